// The listener of its own that Prometheus asks: GET /metrics, nothing else.
#pragma once

#include "net/http.h"
#include "web/metrics.h"

namespace roost::web {

class MetricsPage final : public net::RequestHandler {
  public:
    explicit MetricsPage(const Metrics& metrics) : metrics_(metrics) {}

    Task<net::Response> handle(net::Request& request) override;
    net::Response error_response(int status, std::string_view name,
                                 std::string_view message) override;

  private:
    const Metrics& metrics_;
};

}  // namespace roost::web
