// Slows down guessing at one account from many addresses, without locking its owner out.
//
// Attempts that failed, or are still being judged, are counted for each name, whoever makes them.
// Beyond a few, every further one waits until the one before it may be judged and then its own
// time, which is longer with each failure, up to a bound: many at once gain nothing. Where the line
// is too long, or the same address waits in it several times, an attempt is refused. Addresses from
// which the name has logged in before neither wait nor are refused. Names that are nobody's count
// too, so that waiting tells nothing. In memory, any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace roost::pds {

class LogInGuard {
  public:
    // How long this attempt has to wait, in milliseconds. Every attempt that is not refused is
    // settled once; until then it counts as a failure. Errors: RateLimitExceeded.
    Result<std::int64_t> enter(const std::string& name, const std::string& address, Timestamp now);

    // Failed: the password was wrong. Open: something else was in the way.
    enum class Outcome { failed, open };
    void settle(const std::string& name, const std::string& address, Outcome outcome,
                Timestamp now);
    // The name has logged in from there.
    void remember(const std::string& name, const std::string& address, Timestamp now);

  private:
    struct Record {
        std::int64_t failures = 0;  // and attempts that are not settled
        Timestamp forget_failures_at;
        Timestamp last_turn;               // of those that wait or waited
        std::vector<std::string> waiting;  // their addresses
        std::deque<std::string> known_addresses;
    };
    Record& record_of(const std::string& name, Timestamp now);

    std::mutex mutex_;
    std::unordered_map<std::string, Record> records_;
};

}  // namespace roost::pds
