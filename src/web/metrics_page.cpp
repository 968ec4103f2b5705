#include "web/metrics_page.h"

#include "xrpc/error.h"

namespace roost::web {

Task<net::Response> MetricsPage::handle(net::Request& request) {
    if (request.path != "/metrics")
        co_return xrpc::error_response(Error::not_found("Only /metrics is here"));
    net::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics_.render();
    co_return response;
}

net::Response MetricsPage::error_response(int status, std::string_view name,
                                          std::string_view message) {
    return xrpc::error_response(status, name, message);
}

}  // namespace roost::web
