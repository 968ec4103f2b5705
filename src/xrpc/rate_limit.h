// Rate limits: so many points in so long, for each key, in fixed windows that start with the first
// use.
//
// In memory, any thread. Which keys there are (address, account, identifier) is decided by the
// rules of each method; the headers tell clients how they stand with the tightest of them.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace roost::xrpc {

struct RateLimit {
    std::string_view name;  // tells the windows of different rules apart
    std::int64_t points;
    std::int64_t window_s;
};

struct RateStatus {
    std::int64_t limit = 0;
    std::int64_t window_s = 0;
    std::int64_t remaining = 0;
    Timestamp resets_at;
    bool is_exceeded = false;
};

class RateLimiter {
  public:
    // Takes one point of the key's window.
    RateStatus consume(const RateLimit& limit, std::string_view key, Timestamp now) {
        return take(limit, key, now, 1);
    }
    // Takes none: exceeded means that nothing is left.
    RateStatus peek(const RateLimit& limit, std::string_view key, Timestamp now) {
        RateStatus status = take(limit, key, now, 0);
        status.is_exceeded = status.remaining == 0;
        return status;
    }

  private:
    struct Window {
        std::int64_t used = 0;
        Timestamp resets_at;
    };
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, Window> windows;
    };
    RateStatus take(const RateLimit& limit, std::string_view key, Timestamp now,
                    std::int64_t points);
    static void make_room(Shard& shard, Timestamp now);

    std::array<Shard, 16> shards_;
};

// RateLimit-Limit, -Remaining, -Reset (unix seconds), -Policy.
void add_rate_headers(net::Response& response, const RateStatus& status);
Error rate_limited(const RateStatus& status, Timestamp now);

}  // namespace roost::xrpc
