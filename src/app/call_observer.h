// Writes a log line for each finished call and counts it in the metrics. Told before the server
// starts where to count; after that any thread.
#pragma once

#include "base/log.h"
#include "web/metrics.h"
#include "xrpc/router.h"

namespace roost::app {

class CallObserver final : public xrpc::CallObserver {
  public:
    void watch(web::Metrics& metrics) { metrics_ = &metrics; }
    void on_call(const xrpc::Call& call, int status, std::int64_t duration_us) override {
        metrics_->count_request(metrics_->method(call.nsid), status, duration_us);
        if (log::is_on(log::Level::info))
            log::info("call", {{"request_id", call.request_id},
                               {"nsid", call.nsid},
                               {"status", status},
                               {"duration_us", duration_us}});
    }

  private:
    web::Metrics* metrics_ = nullptr;
};

}  // namespace roost::app
