#include "xrpc/error.h"

#include "atproto/data/json.h"

namespace roost::xrpc {

int http_status(Fault fault) {
    switch (fault) {
        case Fault::invalid:
            return 400;
        case Fault::unauthenticated:
            return 401;
        case Fault::forbidden:
            return 403;
        case Fault::not_found:
            return 404;
        case Fault::not_allowed_method:
            return 405;
        case Fault::payload_too_large:
            return 413;
        case Fault::unsupported_encoding:
            return 415;
        case Fault::rate_limited:
            return 429;
        case Fault::internal:
            return 500;
        case Fault::not_implemented:
            return 501;
        case Fault::upstream_failed:
            return 502;
        case Fault::unavailable:
            return 503;
        case Fault::upstream_timeout:
            return 504;
        case Fault::insufficient_storage:
            return 507;
    }
    return 500;
}

net::Response error_response(int status, std::string_view name, std::string_view message) {
    net::Response response;
    response.status = status;
    response.content_type = json_content_type;
    response.body = "{\"error\":";
    atproto::json::append_string(response.body, name);
    response.body += ",\"message\":";
    atproto::json::append_string(response.body, message);
    response.body += '}';
    return response;
}

net::Response error_response(const Error& error) {
    net::Response response = error_response(http_status(error.fault), error.name, error.message);
    if (error.retry_after_s > 0)
        response.add_header("Retry-After", std::to_string(error.retry_after_s));
    return response;
}

}  // namespace roost::xrpc
