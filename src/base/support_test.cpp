#include <gtest/gtest.h>

#include <concepts>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/testing_instructions.h"

namespace roost {
namespace {

TEST(Random, GivesAsManyBytesAsAskedFor) {
    EXPECT_TRUE(random_bytes(0).empty());
    EXPECT_EQ(random_bytes(33).size(), 33U);
    EXPECT_NE(random_bytes(16), random_bytes(16));
    for (int i = 0; i < 100; ++i)
        EXPECT_LT(random_below(7), 7U);
}

TEST(Secret, ComparesEveryLength) {
    const Bytes empty;
    const Bytes one{1};
    const Bytes other{2};
    EXPECT_TRUE(equal_in_constant_time(empty, empty));
    EXPECT_FALSE(equal_in_constant_time(empty, one));
    EXPECT_FALSE(equal_in_constant_time(one, other));
    EXPECT_TRUE(equal_in_constant_time(one, Bytes{1}));
}

TEST(Secret, TakesTheSameWorkWhereverTheFirstDifferenceIs) {
#if __has_feature(thread_sanitizer)
    GTEST_SKIP() << "the sanitizer's own work depends on what else the thread has touched";
#endif
    const Bytes right(500, 'x');
    Bytes wrong_at_once = right;
    wrong_at_once.front() = 'y';
    Bytes wrong_at_last = right;
    wrong_at_last.back() = 'y';
    bool is_equal = true;
    const auto work = [&](const Bytes& guess) {
        return testing::instructions_of(
            [&] { is_equal = is_equal && equal_in_constant_time(guess, right); });
    };
    const std::int64_t least = work(wrong_at_once);
    if (least < 0) GTEST_SKIP() << "the system lets no process trace another";
    EXPECT_GT(least, 500) << "every byte is looked at";
    EXPECT_EQ(least, work(wrong_at_last));
    EXPECT_EQ(least, work(right));
}

// Nobody compares secrets by accident.
static_assert(!std::equality_comparable<SecretText>);
static_assert(!std::equality_comparable<SecretBytes>);

TEST(Secret, LeavesNothingBehindWhenMoved) {
    SecretText from(std::string("a password that is longer than the small buffer"));
    const SecretText to = std::move(from);
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is the point
    EXPECT_EQ(to.reveal(), "a password that is longer than the small buffer");
}

TEST(Clock, WritesTimesAsTheProtocolDoes) {
    EXPECT_EQ(to_iso8601({0}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(to_iso8601({1'795'376'615'123'456}), "2026-11-22T19:43:35.123Z");
    EXPECT_EQ(to_iso8601({-1'000}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace roost
