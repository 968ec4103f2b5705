#include "web/site.h"

#include <algorithm>
#include <cctype>

#include "atproto/data/json.h"
#include "pds/accounts/account_store.h"
#include "pds/mail/outbox_page.h"
#include "xrpc/error.h"

namespace roost::web {

namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view health_path = "/xrpc/_health";
constexpr std::string_view dev_mail_path = "/dev/mail";
constexpr std::string_view json_type = "application/json; charset=utf-8";

net::Response text_response(int status, std::string body) {
    net::Response response;
    response.status = status;
    response.content_type = plain_text;
    response.body = std::move(body);
    return response;
}

// https://fetch.spec.whatwg.org/#cors-preflight-fetch
net::Response preflight(const net::Request& request) {
    net::Response response;
    response.status = 204;
    response.add_header("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
    if (const auto wanted = request.header("access-control-request-headers")) {
        response.add_header("Vary", "Access-Control-Request-Headers");
        response.add_header("Access-Control-Allow-Headers", *wanted);
    }
    response.add_header("Access-Control-Max-Age", "86400");
    return response;
}

std::string_view without_port(std::string_view host) {
    return host.substr(0, host.find(':'));
}

}  // namespace

net::Response Site::error_response(int status, std::string_view name, std::string_view message) {
    net::Response response = xrpc::error_response(status, name, message);
    response.add_header("Access-Control-Allow-Origin", "*");
    return response;
}

Task<net::Response> Site::handle(net::Request& request) {
    const bool is_call = request.path.starts_with("/xrpc/") && request.path != health_path;
    net::Response response = request.method == net::Method::options ? preflight(request)
                             : is_call ? co_await router_.handle(request)
                                       : co_await page(request);
    // The outbox holds codes that open accounts: no page of another origin may read it.
    if (request.path != dev_mail_path) response.add_header("Access-Control-Allow-Origin", "*");
    co_return response;
}

Task<net::Response> Site::page(net::Request& request) {
    const std::string_view path = request.path;
    if (request.method != net::Method::get && request.method != net::Method::head)
        co_return xrpc::error_response(Error::not_found("There is nothing at this path"));
    if (path == health_path) co_return co_await health();
    if (path == "/.well-known/atproto-did") co_return co_await atproto_did(request);
    if (path == "/.well-known/did.json") co_return did_document(request);
    if (path == "/robots.txt")
        co_return text_response(200, "# The public API may be crawled.\nUser-agent: *\nAllow: /\n");
    if (path == "/")
        co_return text_response(
            200,
            "roost: a Personal Data Server of the AT Protocol (https://atproto.com)\n\n"
            "The API is below /xrpc/; start with /xrpc/com.atproto.server.describeServer\n");
    if (options_.dev_pages == DevPages::on && path == dev_mail_path)
        co_return co_await dev_mail(request);
    co_return xrpc::error_response(Error::not_found("There is nothing at this path"));
}

Task<net::Response> Site::health() {
    net::Response response;
    response.content_type = json_type;
    response.body = "{\"version\":";
    atproto::json::append_string(response.body, options_.version);
    const Result<void> writable = co_await db_.check_writable();
    if (!writable.has_value()) {
        response.status = 503;
        response.body += ",\"error\":\"Service Unavailable\",\"message\":";
        atproto::json::append_string(response.body, writable.error().message);
    }
    response.body += '}';
    co_return response;
}

Task<net::Response> Site::atproto_did(const net::Request& request) {
    const std::string_view host = without_port(request.header("host").value_or(""));
    const Result<atproto::Handle> handle = atproto::Handle::parse(host);
    if (!handle.has_value() || !handles_.is_ours(*handle))
        co_return text_response(404, "User not found");
    const auto account =
        co_await db_.read([&](db::Transaction& t) -> Result<std::optional<pds::Account>> {
            return pds::account_store::find_by_handle(t, *handle);
        });
    if (!account.has_value()) co_return xrpc::error_response(account.error());
    if (!*account || !(*account)->is_active()) co_return text_response(404, "User not found");
    co_return text_response(200, (*account)->did.text());
}

// This server's own identity, if it is the one that the host names. Identities of accounts are
// served by those whose domain they are. https://w3c-ccg.github.io/did-method-web/
net::Response Site::did_document(const net::Request& request) const {
    std::string host(request.header("host").value_or(""));
    std::ranges::transform(host, host.begin(), [](unsigned char c) { return std::tolower(c); });
    constexpr std::string_view method = "did:web:";
    const auto own =
        options_.service_did.starts_with(method)
            ? net::percent_decode(options_.service_did.substr(method.size()), net::UrlPart::path)
            : std::nullopt;
    if (!own || (host != *own && without_port(host) != *own))
        return xrpc::error_response(Error::not_found("There is no DID document for this host"));
    using atproto::Object;
    const Object service{{"id", "#atproto_pds"},
                         {"type", "AtprotoPersonalDataServer"},
                         {"serviceEndpoint", options_.public_url}};
    net::Response response;
    response.content_type = json_type;
    response.body =
        atproto::json::write(Object{{"@context", atproto::Array{"https://www.w3.org/ns/did/v1"}},
                                    {"id", options_.service_did},
                                    {"service", atproto::Array{service}}});
    return response;
}

Task<net::Response> Site::dev_mail(const net::Request& request) {
    const auto letters = co_await mail_.outbox();
    if (!letters.has_value()) co_return xrpc::error_response(letters.error());
    const bool wants_json =
        request.header("accept").value_or("").find("application/json") != std::string_view::npos;
    net::Response response;
    response.add_header("Content-Security-Policy",
                        "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'");
    response.content_type = wants_json ? json_type : "text/html; charset=utf-8";
    response.body =
        wants_json ? pds::mail::outbox_json(*letters) : pds::mail::render_outbox_html(*letters);
    co_return response;
}

}  // namespace roost::web
