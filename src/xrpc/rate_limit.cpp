#include "xrpc/rate_limit.h"

#include <algorithm>

#include "xrpc/limits.h"

namespace roost::xrpc {

void RateLimiter::make_room(Shard& shard, Timestamp now) {
    std::erase_if(shard.windows,
                  [now](const auto& entry) { return entry.second.resets_at <= now; });
    // All are live: forgetting the lot is the one answer that costs no more memory. It takes
    // hundreds of thousands of addresses at once to get here.
    if (shard.windows.size() >= limits::rate_limit_keys_max / 16) shard.windows.clear();
}

RateStatus RateLimiter::take(const RateLimit& limit, std::string_view key, Timestamp now,
                             std::int64_t points) {
    std::string full_key(limit.name);
    full_key += '\n';
    full_key += key.substr(0, limits::rate_limit_key_bytes_max);
    Shard& shard = shards_[std::hash<std::string>{}(full_key) % shards_.size()];
    const std::lock_guard lock(shard.mutex);
    if (shard.windows.size() >= limits::rate_limit_keys_max / shards_.size()) make_room(shard, now);
    Window& window = shard.windows[std::move(full_key)];
    if (window.resets_at <= now) window = {0, now.plus_s(limit.window_s)};
    window.used = std::min(window.used + points, limit.points + 1);
    return {
        .limit = limit.points,
        .window_s = limit.window_s,
        .remaining = std::max<std::int64_t>(0, limit.points - window.used),
        .resets_at = window.resets_at,
        .is_exceeded = window.used > limit.points,
    };
}

void add_rate_headers(net::Response& response, const RateStatus& status) {
    const std::string limit = std::to_string(status.limit);
    response.add_header("RateLimit-Limit", limit);
    response.add_header("RateLimit-Reset", std::to_string(status.resets_at.seconds()));
    response.add_header("RateLimit-Remaining", std::to_string(status.remaining));
    response.add_header("RateLimit-Policy", limit + ";w=" + std::to_string(status.window_s));
    response.add_header("Access-Control-Expose-Headers",
                        "RateLimit-Limit, RateLimit-Reset, RateLimit-Remaining, RateLimit-Policy");
}

Error rate_limited(const RateStatus& status, Timestamp now) {
    const std::int64_t wait_s =
        std::max<std::int64_t>(1, status.resets_at.seconds() - now.seconds());
    return {Fault::rate_limited, "RateLimitExceeded", "Rate Limit Exceeded",
            static_cast<int>(wait_s)};
}

}  // namespace roost::xrpc
