#include "app/account_jobs.h"

#include "base/clock.h"
#include "base/log.h"

namespace roost::app {

namespace {

constexpr std::int64_t minute_ms = 60'000;

Task<void> erase_due(pds::Lifecycle& lifecycle) {
    const Result<void> done = co_await lifecycle.erase_due();
    if (!done.has_value())
        log::warn("accounts that are due could not be deleted", {{"reason", done.error().message}});
}

Task<void> sweep(pds::Sessions& sessions) {
    const Result<std::int64_t> swept = co_await sessions.sweep(now());
    if (!swept.has_value())
        log::warn("expired sessions could not be swept", {{"reason", swept.error().message}});
}

Task<void> prune(pds::Firehose& firehose) {
    const Result<void> done = co_await firehose.prune(now());
    if (!done.has_value())
        log::warn("old events could not be deleted", {{"reason", done.error().message}});
}

}  // namespace

void add_account_jobs(Jobs& jobs, pds::SignUp& sign_up, pds::Lifecycle& lifecycle,
                      pds::Sessions& sessions) {
    jobs.every(minute_ms, "settle sign-ups", [&sign_up] { return sign_up.settle_pending(); });
    jobs.every(minute_ms, "delete accounts", [&lifecycle] { return erase_due(lifecycle); });
    jobs.every(60 * minute_ms, "sweep sessions", [&sessions] { return sweep(sessions); });
}

void add_stream_jobs(Jobs& jobs, pds::Firehose& firehose) {
    jobs.every(60 * minute_ms, "prune events", [&firehose] { return prune(firehose); });
}

}  // namespace roost::app
