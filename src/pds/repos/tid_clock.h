// Makes TIDs: for the revisions of commits and for record keys that nobody chose. Each is greater
// than the last this process made, and the random clock id keeps those of two processes apart.
// Any thread.
// https://atproto.com/specs/tid
#pragma once

#include <algorithm>
#include <atomic>

#include "atproto/syntax/syntax.h"
#include "base/clock.h"
#include "base/random.h"

namespace roost::pds {

class TidClock {
  public:
    TidClock() : clock_id_(static_cast<std::uint16_t>(random_below(1024))) {}

    atproto::Tid next(Timestamp now) { return after(now, 0); }
    // Greater than `floor`, which may be ahead of the time: another server's clock made it.
    atproto::Tid after(Timestamp now, std::uint64_t floor_number) {
        const auto floor_us = static_cast<std::int64_t>(floor_number >> 10);
        std::int64_t last = last_us_.load(std::memory_order_relaxed);
        std::int64_t us = 0;
        do {
            us = std::max(now.us, last + 1);
        } while (!last_us_.compare_exchange_weak(last, us, std::memory_order_relaxed));
        // A floor ahead of us is one repository's affair: it must not drag the clock along.
        return atproto::Tid::from({std::max(us, floor_us + 1)}, clock_id_);
    }

  private:
    const std::uint16_t clock_id_;
    std::atomic<std::int64_t> last_us_ = 0;
};

}  // namespace roost::pds
