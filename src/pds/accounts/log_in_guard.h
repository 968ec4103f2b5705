// Slows down guessing at one account from many addresses, without locking its owner out.
//
// Failed log-ins are counted for each identifier, whoever made them. Beyond a few, every further
// attempt waits before it is judged, longer with each failure, up to a bound; it is never refused.
// Addresses from which the identifier has logged in before do not wait. Unknown identifiers count
// too, so that waiting tells nothing. In memory, any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace roost::pds {

class LogInGuard {
  public:
    // How long this attempt has to wait.
    std::int64_t delay_ms(const std::string& identifier, const std::string& address, Timestamp now);
    void on_failure(const std::string& identifier, Timestamp now);
    void on_success(const std::string& identifier, const std::string& address, Timestamp now);

  private:
    struct Record {
        std::int64_t failures = 0;
        Timestamp forget_failures_at;
        std::deque<std::string> known_addresses;
    };
    Record& record_of(const std::string& identifier, Timestamp now);

    std::mutex mutex_;
    std::unordered_map<std::string, Record> records_;
};

}  // namespace roost::pds
