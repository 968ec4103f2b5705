// Whose identity is being changed: handle changes, PLC operations and new signing keys of one
// account happen one after the other, as each builds on the directory's last operation.
//
// In memory; any thread. Whoever finds the turn taken is refused, not queued: nobody changes an
// identity twice in a second on purpose.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/result.h"

namespace roost::pds {

class IdentityTurns {
  public:
    // Ends when it is destroyed. The turns outlive it.
    class Turn {
      public:
        Turn(IdentityTurns& turns, std::int64_t account_id)
            : turns_(&turns), account_id_(account_id) {}
        Turn(Turn&& other) noexcept
            : turns_(std::exchange(other.turns_, nullptr)), account_id_(other.account_id_) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn() {
            if (turns_) turns_->end(account_id_);
        }

      private:
        IdentityTurns* turns_;
        std::int64_t account_id_;
    };

    // Errors: Fault::unavailable, when another change is under way.
    Result<Turn> take(std::int64_t account_id) {
        const std::lock_guard lock(mutex_);
        if (!taken_.insert(account_id).second)
            return Error::unavailable(
                "Another change of this account's identity is under way; try again when it is done",
                retry_after_s);
        return Turn(*this, account_id);
    }

  private:
    // A directory that is asked and told answers within some seconds, mostly in one.
    static constexpr int retry_after_s = 5;

    void end(std::int64_t account_id) {
        const std::lock_guard lock(mutex_);
        taken_.erase(account_id);
    }

    std::mutex mutex_;
    std::set<std::int64_t> taken_;
};

}  // namespace roost::pds
