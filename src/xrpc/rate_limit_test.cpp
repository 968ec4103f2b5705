#include "xrpc/rate_limit.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

#include "xrpc/error.h"
#include "xrpc/limits.h"
#include "xrpc/testing.h"

namespace roost::xrpc {
namespace {

constexpr RateLimit three{"three", 3, 60};
constexpr Timestamp start{1'800'000'000'000'000};

TEST(RateLimit, CountsWithinAWindowThatStartsWithTheFirstUse) {
    RateLimiter rates;
    for (const std::int64_t left : {2, 1, 0}) {
        const RateStatus status = rates.consume(three, "a", start);
        EXPECT_EQ(status.remaining, left);
        EXPECT_FALSE(status.is_exceeded);
        EXPECT_EQ(status.resets_at, start.plus_s(60));
    }
    const RateStatus beyond = rates.consume(three, "a", start.plus_s(59));
    EXPECT_TRUE(beyond.is_exceeded);
    EXPECT_EQ(beyond.remaining, 0);
    EXPECT_EQ(beyond.resets_at, start.plus_s(60)) << "refused calls do not lengthen it";
    const RateStatus next = rates.consume(three, "a", start.plus_s(60));
    EXPECT_FALSE(next.is_exceeded);
    EXPECT_EQ(next.remaining, 2);
    EXPECT_EQ(next.resets_at, start.plus_s(120));
}

TEST(RateLimit, TellsKeysAndRulesApart) {
    RateLimiter rates;
    const RateLimit other{"other", 3, 60};
    for (int i = 0; i < 4; ++i)
        rates.consume(three, "a", start);
    EXPECT_FALSE(rates.consume(three, "b", start).is_exceeded);
    EXPECT_FALSE(rates.consume(other, "a", start).is_exceeded);
    EXPECT_TRUE(rates.consume(three, "a", start).is_exceeded);
}

TEST(RateLimit, PeekingTakesNothing) {
    RateLimiter rates;
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(rates.peek(three, "a", start).is_exceeded);
    for (int i = 0; i < 3; ++i)
        rates.consume(three, "a", start);
    EXPECT_TRUE(rates.peek(three, "a", start).is_exceeded) << "nothing is left";
    EXPECT_FALSE(rates.peek(three, "a", start.plus_s(60)).is_exceeded);
}

TEST(RateLimit, TakesSeveralPointsOrNone) {
    RateLimiter rates;
    const RateLimit ten{"ten", 10, 60};
    EXPECT_EQ(rates.consume(ten, "a", start, 7).remaining, 3);
    const RateStatus dear = rates.consume(ten, "a", start, 4);
    EXPECT_TRUE(dear.is_exceeded);
    EXPECT_EQ(dear.remaining, 3) << "refused calls cost nothing";
    EXPECT_FALSE(rates.consume(ten, "a", start, 3).is_exceeded);
    EXPECT_FALSE(rates.consume(ten, "a", start, 0).is_exceeded);
    EXPECT_TRUE(rates.consume(ten, "a", start, 1).is_exceeded);
    EXPECT_TRUE(rates.consume(ten, "b", start, 11).is_exceeded);
    EXPECT_TRUE(
        rates.consume(ten, "b", start, std::numeric_limits<std::int64_t>::max()).is_exceeded);
}

TEST(RateLimit, LongKeysAreCut) {
    RateLimiter rates;
    const std::string key(limits::rate_limit_key_bytes_max, 'k');
    for (int i = 0; i < 4; ++i)
        rates.consume(three, key + "1", start);
    EXPECT_TRUE(rates.consume(three, key + "2", start).is_exceeded);
}

TEST(RateLimit, ManyKeysPushOutExpiredOnesFirst) {
    RateLimiter rates;
    const RateLimit lasting{"lasting", 3, 10'000};
    for (int i = 0; i < 4; ++i)
        rates.consume(lasting, "kept", start);
    for (std::size_t i = 0; i < limits::rate_limit_keys_max / 2; ++i)
        rates.consume(three, std::to_string(i), start);
    for (std::size_t i = 0; i < limits::rate_limit_keys_max / 2; ++i)
        rates.consume(three, "x" + std::to_string(i), start.plus_s(100));
    EXPECT_TRUE(rates.consume(lasting, "kept", start.plus_s(100)).is_exceeded);
}

TEST(RateLimit, ManyKeysPushOutTheOldestAndNobodyElse) {
    RateLimiter rates;
    const RateLimit once{"once", 1, 60};
    const std::size_t many = limits::rate_limit_keys_max;
    const auto key = [](std::size_t i) { return std::to_string(i); };
    // Twice as many as there is room for, a microsecond apart.
    Timestamp time = start;
    for (std::size_t i = 0; i < 2 * many; ++i, ++time.us)
        rates.consume(once, key(i), time);
    std::size_t kept = 0;
    for (std::size_t i = many; i < 2 * many; ++i)
        kept += rates.peek(once, key(i), time).is_exceeded ? 1 : 0;
    // Each of the 16 shards is full and keeps its newest; they do not fill up quite alike.
    EXPECT_GT(kept, many * 95 / 100);
    for (std::size_t i = 0; i < many / 2; ++i)
        ASSERT_FALSE(rates.peek(once, key(i), time).is_exceeded) << i;
    for (std::size_t i = 2 * many - many / 2; i < 2 * many; ++i)
        ASSERT_TRUE(rates.peek(once, key(i), time).is_exceeded) << i;
}

TEST(RateLimit, AFloodOfShortWindowsLeavesLongOnes) {
    RateLimiter rates;
    const RateLimit lasting{"lasting", 3, 10'000};
    for (int i = 0; i < 4; ++i)
        rates.consume(lasting, "kept", start);
    for (std::size_t i = 0; i < 2 * limits::rate_limit_keys_max; ++i)
        rates.consume(three, std::to_string(i), start);
    EXPECT_TRUE(rates.consume(lasting, "kept", start).is_exceeded);
}

TEST(RateLimit, PeekingAtManyKeysPushesNobodyOut) {
    RateLimiter rates;
    for (int i = 0; i < 4; ++i)
        rates.consume(three, "a", start);
    for (std::size_t i = 0; i < 2 * limits::rate_limit_keys_max; ++i)
        rates.peek(three, std::to_string(i), start);
    EXPECT_TRUE(rates.peek(three, "a", start).is_exceeded);
}

TEST(RateLimit, CountsEveryThread) {
    RateLimiter rates;
    const RateLimit limit{"limit", 1'000, 60};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int j = 0; j < 200; ++j)
                rates.consume(limit, "a", start);
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(rates.peek(limit, "a", start).remaining, 200);
}

TEST(RateLimit, HeadersAreTheReferences) {
    RateLimiter rates;
    net::Response response;
    add_rate_headers(response, rates.consume(three, "a", start));
    EXPECT_EQ(response.header_lines(),
              "RateLimit-Limit: 3\r\nRateLimit-Reset: 1800000060\r\nRateLimit-Remaining: 2\r\n"
              "RateLimit-Policy: 3;w=60\r\n"
              "Access-Control-Expose-Headers: RateLimit-Limit, RateLimit-Reset, "
              "RateLimit-Remaining, RateLimit-Policy\r\n");
}

TEST(RateLimit, TheRefusalSaysWhenToComeBack) {
    RateLimiter rates;
    RateStatus status;
    for (int i = 0; i < 4; ++i)
        status = rates.consume(three, "a", start);
    const Error error = rate_limited(status, start.plus_s(20));
    EXPECT_EQ(error.fault, Fault::rate_limited);
    EXPECT_EQ(error.name, "RateLimitExceeded");
    EXPECT_EQ(error.message, "Rate Limit Exceeded");
    EXPECT_EQ(error.retry_after_s, 40);
    EXPECT_EQ(rate_limited(status, start.plus_s(70)).retry_after_s, 1);
}

TEST(XrpcError, SpeaksTheProtocolsForm) {
    const net::Response response =
        error_response(Error::invalid("say \"please\"\n\x01", "InvalidHandle"));
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
    EXPECT_EQ(response.body,
              "{\"error\":\"InvalidHandle\",\"message\":\"say \\\"please\\\"\\n\\u0001\"}");
    EXPECT_EQ(testing::header_of(response, "Retry-After"), "");
    EXPECT_EQ(testing::header_of(error_response(Error::unavailable("busy", 7)), "Retry-After"),
              "7");
}

TEST(XrpcError, EveryFaultHasItsStatus) {
    const std::vector<std::pair<Fault, int>> expected{
        {Fault::invalid, 400},
        {Fault::unauthenticated, 401},
        {Fault::forbidden, 403},
        {Fault::not_found, 404},
        {Fault::not_allowed_method, 405},
        {Fault::payload_too_large, 413},
        {Fault::unsupported_encoding, 415},
        {Fault::rate_limited, 429},
        {Fault::internal, 500},
        {Fault::not_implemented, 501},
        {Fault::upstream_failed, 502},
        {Fault::unavailable, 503},
        {Fault::upstream_timeout, 504},
        {Fault::insufficient_storage, 507},
    };
    for (const auto& [fault, status] : expected)
        EXPECT_EQ(http_status(fault), status);
}

}  // namespace
}  // namespace roost::xrpc
