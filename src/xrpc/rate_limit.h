// Rate limits: so many points in so long, for each key, in fixed windows that start with the first
// use.
//
// In memory, any thread; when there are too many keys, the windows that end next are forgotten.
// Which keys there are (address, account, identifier) is decided by the
// rules of each method; the headers tell clients how they stand with the tightest of them.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
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
    std::string_view name;  // tells windows apart: rules of one name share theirs
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
    // Takes points of the key's window. If so many are not left, that is exceeded and takes none.
    RateStatus consume(const RateLimit& limit, std::string_view key, Timestamp now,
                       std::int64_t points = 1);
    // Takes none, and leaves no trace of the key. Exceeded: nothing is left.
    RateStatus peek(const RateLimit& limit, std::string_view key, Timestamp now);

  private:
    struct Window {
        std::string key;
        std::int64_t length_s;
        std::int64_t used;
        Timestamp resets_at;
    };
    // In the order in which they end.
    using Queue = std::list<Window>;
    // Windows of one length end in the order in which they started, so the next to end is at the
    // front of one of a few queues.
    struct Shard {
        std::mutex mutex;
        std::map<std::int64_t, Queue> by_length;
        std::unordered_map<std::string_view, Queue::iterator> windows;  // by the key in the queue

        // The key's window, if it has one that is not over.
        Window* find(std::string_view key, Timestamp now);
        Window& start(std::string_view key, std::int64_t length_s, Timestamp now);
        void erase(Queue::iterator window);
        void make_room();
    };
    Shard& shard_of(std::string_view key);

    std::array<Shard, 16> shards_;
};

// RateLimit-Limit, -Remaining, -Reset (unix seconds), -Policy.
void add_rate_headers(net::Response& response, const RateStatus& status);
Error rate_limited(const RateStatus& status, Timestamp now);

}  // namespace roost::xrpc
