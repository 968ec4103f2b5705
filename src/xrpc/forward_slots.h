// How many calls wait for other servers, so that a slow one cannot take up everything here. Any
// thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/result.h"

namespace roost::xrpc {

class ForwardSlots {
  public:
    // Held while a call is on its way; given back at its end.
    class Slot {
      public:
        Slot(ForwardSlots& slots, std::int64_t account_id)
            : slots_(&slots), account_id_(account_id) {}
        Slot(Slot&& other) noexcept
            : slots_(std::exchange(other.slots_, nullptr)), account_id_(other.account_id_) {}
        Slot(const Slot&) = delete;
        Slot& operator=(const Slot&) = delete;
        Slot& operator=(Slot&&) = delete;
        ~Slot() {
            if (slots_ != nullptr) slots_->give_back(account_id_);
        }

      private:
        ForwardSlots* slots_;
        std::int64_t account_id_;
    };
    // 0 is everybody who has no account. Errors: Fault::rate_limited "RateLimitExceeded", the
    // account has enough; Fault::unavailable, all are taken.
    Result<Slot> take(std::int64_t account_id);

  private:
    void give_back(std::int64_t account_id);

    std::mutex mutex_;
    std::size_t taken_ = 0;
    std::unordered_map<std::int64_t, std::size_t> by_account_;
};

}  // namespace roost::xrpc
