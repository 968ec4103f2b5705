#include "xrpc/forward_slots.h"

#include "base/check.h"
#include "xrpc/limits.h"

namespace roost::xrpc {

Result<ForwardSlots::Slot> ForwardSlots::take(std::int64_t account_id) {
    const std::lock_guard lock(mutex_);
    if (taken_ >= limits::forwarded_max)
        return Error::unavailable("Too many calls wait for other servers",
                                  limits::forwarded_busy_retry_s);
    std::size_t& of_account = by_account_[account_id];
    if (of_account >= limits::forwarded_per_account_max)
        return Error{Fault::rate_limited, "RateLimitExceeded",
                     "Too many calls of this account wait for other servers",
                     limits::forwarded_busy_retry_s};
    ++of_account;
    ++taken_;
    return Slot(*this, account_id);
}

void ForwardSlots::give_back(std::int64_t account_id) {
    const std::lock_guard lock(mutex_);
    const auto found = by_account_.find(account_id);
    check(found != by_account_.end() && taken_ > 0, "a slot that is given back was taken");
    --taken_;
    if (--found->second == 0) by_account_.erase(found);
}

}  // namespace roost::xrpc
