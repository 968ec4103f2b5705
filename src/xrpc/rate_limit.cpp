#include "xrpc/rate_limit.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "xrpc/limits.h"

namespace roost::xrpc {

namespace {

constexpr std::size_t shard_count = 16;
constexpr std::size_t keys_per_shard_max = limits::rate_limit_keys_max / shard_count;

// Whose window it is, by which rule. On the stack, as nearly every look finds its window.
class FullKey {
  public:
    FullKey(const RateLimit& limit, std::string_view key) {
        append(limit.name.substr(0, limits::rate_limit_name_bytes_max));
        append("\n");
        append(key.substr(0, limits::rate_limit_key_bytes_max));
    }
    std::string_view view() const { return {bytes_.data(), size_}; }

  private:
    void append(std::string_view text) {
        std::ranges::copy(text, bytes_.data() + size_);
        size_ += text.size();
    }
    std::array<char, limits::rate_limit_name_bytes_max + 1 + limits::rate_limit_key_bytes_max>
        bytes_;
    std::size_t size_ = 0;
};

RateStatus status_of(const RateLimit& limit, std::int64_t used, Timestamp resets_at) {
    return {
        .limit = limit.points,
        .window_s = limit.window_s,
        .remaining = limit.points - used,
        .resets_at = resets_at,
    };
}

}  // namespace

RateLimiter::Shard& RateLimiter::shard_of(std::string_view key) {
    static_assert(shard_count == std::tuple_size_v<decltype(shards_)>);
    return shards_[std::hash<std::string_view>{}(key) % shard_count];
}

RateLimiter::Window* RateLimiter::Shard::find(std::string_view key, Timestamp now) {
    const auto found = windows.find(key);
    if (found == windows.end()) return nullptr;
    Window& window = *found->second;
    return window.resets_at <= now ? nullptr : &window;
}

RateLimiter::Window& RateLimiter::Shard::start(std::string_view key, std::int64_t length_s,
                                               Timestamp now) {
    if (const auto over = windows.find(key); over != windows.end()) erase(over->second);
    if (windows.size() >= keys_per_shard_max) make_room();
    Queue& queue = by_length[length_s];
    queue.push_back({.key = std::string(key),
                     .length_s = length_s,
                     .used = 0,
                     .resets_at = now.plus_s(length_s)});
    windows.emplace(queue.back().key, std::prev(queue.end()));
    return queue.back();
}

void RateLimiter::Shard::erase(Queue::iterator window) {
    windows.erase(window->key);
    by_length.at(window->length_s).erase(window);
}

void RateLimiter::Shard::make_room() {
    Queue* next = nullptr;
    for (auto& [length_s, queue] : by_length)
        if (!queue.empty() &&
            (next == nullptr || queue.front().resets_at < next->front().resets_at))
            next = &queue;
    check(next != nullptr, "a full shard has a window");
    erase(next->begin());
}

RateStatus RateLimiter::consume(const RateLimit& limit, std::string_view key, Timestamp now,
                                std::int64_t points) {
    check(points >= 0, "a limit takes points and gives none");
    const FullKey full(limit, key);
    Shard& shard = shard_of(full.view());
    const std::lock_guard lock(shard.mutex);
    Window* found = shard.find(full.view(), now);
    Window& window = found != nullptr ? *found : shard.start(full.view(), limit.window_s, now);
    const bool is_exceeded = points > limit.points - window.used;
    if (!is_exceeded) window.used += points;
    RateStatus status = status_of(limit, window.used, window.resets_at);
    status.is_exceeded = is_exceeded;
    return status;
}

RateStatus RateLimiter::peek(const RateLimit& limit, std::string_view key, Timestamp now) {
    const FullKey full(limit, key);
    Shard& shard = shard_of(full.view());
    const std::lock_guard lock(shard.mutex);
    const Window* window = shard.find(full.view(), now);
    RateStatus status = window != nullptr ? status_of(limit, window->used, window->resets_at)
                                          : status_of(limit, 0, now.plus_s(limit.window_s));
    status.is_exceeded = status.remaining == 0;
    return status;
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
