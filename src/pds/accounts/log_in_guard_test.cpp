#include "pds/accounts/log_in_guard.h"

#include <gtest/gtest.h>

#include "pds/limits.h"

namespace roost::pds {
namespace {

using Outcome = LogInGuard::Outcome;

constexpr Timestamp start{1'000'000'000};
constexpr std::int64_t step_ms = limits::log_in_delay_step_ms;
const std::string home = "5.6.7.8";

class LogInGuardTest : public ::testing::Test {
  protected:
    // -1: refused.
    std::int64_t enter(const std::string& name, const std::string& address, Timestamp at = start) {
        const Result<std::int64_t> wait = guard_.enter(name, address, at);
        return wait.has_value() ? *wait : -1;
    }
    // Known addresses do not wait, so that this takes no turns.
    void fail(const std::string& name, std::int64_t times) {
        guard_.remember(name, "a known one", start);
        for (std::int64_t i = 0; i < times; ++i) {
            ASSERT_EQ(enter(name, "a known one"), 0);
            guard_.settle(name, "a known one", Outcome::failed, start);
        }
    }

    LogInGuard guard_;
};

TEST_F(LogInGuardTest, AFewFailuresCostNothing) {
    for (std::int64_t i = 0; i <= limits::log_in_failures_free; ++i)
        EXPECT_EQ(enter("a", home), 0);
    EXPECT_GT(enter("a", home), 0);
}

TEST_F(LogInGuardTest, MoreFailuresWaitLongerUpToABound) {
    fail("a", limits::log_in_failures_free);
    for (const std::int64_t wait : {std::int64_t{0}, step_ms, 2 * step_ms, 3 * step_ms}) {
        // One after the other has been judged, long after.
        EXPECT_EQ(enter("a", "1.2.3.4", start.plus_s(wait)), wait) << wait;
        guard_.settle("a", "1.2.3.4", Outcome::failed, start);
    }
    fail("a", 1'000);
    EXPECT_EQ(enter("a", "1.2.3.4", start.plus_s(2'000)), limits::log_in_delay_ms_max);
    EXPECT_EQ(enter("b", "1.2.3.4"), 0) << "another name is not slowed";
}

TEST_F(LogInGuardTest, ManyAtOnceTakeTurns) {
    fail("a", limits::log_in_failures_free + 100);
    std::int64_t judged_at = 0;
    int waiting = 0;
    for (int i = 0; i < 100; ++i) {
        const std::int64_t wait = enter("a", "198.51.100." + std::to_string(i));
        if (wait < 0) continue;
        EXPECT_EQ(wait, judged_at + limits::log_in_delay_ms_max) << "a turn of its own";
        judged_at = wait;
        ++waiting;
    }
    EXPECT_EQ(waiting, limits::log_in_wait_ms_max / limits::log_in_delay_ms_max)
        << "the line is bounded";
    EXPECT_EQ(guard_.enter("a", "203.0.113.1", start).error().name, "RateLimitExceeded");
    EXPECT_EQ(guard_.enter("a", "203.0.113.1", start).error().retry_after_s, 6);
    EXPECT_EQ(enter("a", "203.0.113.1", start.plus_s(5)), limits::log_in_wait_ms_max);
}

TEST_F(LogInGuardTest, OneAddressDoesNotFillTheLine) {
    fail("a", limits::log_in_failures_free + 100);
    for (int i = 0; i < limits::log_ins_waiting_per_address_max; ++i)
        EXPECT_GT(enter("a", "1.2.3.4"), 0);
    EXPECT_EQ(enter("a", "1.2.3.4"), -1);
    EXPECT_GT(enter("a", "2.3.4.5"), 0);
    guard_.settle("a", "1.2.3.4", Outcome::failed, start);
    EXPECT_GT(enter("a", "1.2.3.4"), 0) << "it left the line";
}

TEST_F(LogInGuardTest, AttemptsCountUntilTheyAreSettled) {
    for (std::int64_t i = 0; i <= limits::log_in_failures_free; ++i)
        EXPECT_EQ(enter("a", home), 0);
    EXPECT_EQ(enter("a", "1.2.3.4"), step_ms) << "none of them has been judged yet";
    for (std::int64_t i = 0; i <= limits::log_in_failures_free; ++i)
        guard_.settle("a", home, Outcome::open, start);
    EXPECT_EQ(enter("a", home), 0);
}

TEST_F(LogInGuardTest, WhoHasLoggedInFromAnAddressDoesNotWaitThere) {
    guard_.remember("a", home, start);
    fail("a", 100);
    while (enter("a", "1.2.3.4") > 0) {
    }
    EXPECT_EQ(enter("a", home), 0);
}

TEST_F(LogInGuardTest, FailuresAreForgotten) {
    fail("a", 100);
    EXPECT_EQ(enter("a", "1.2.3.4", start.plus_s(limits::log_in_failures_kept_s)), 0);
}

TEST_F(LogInGuardTest, AFloodOfNamesDoesNotGrowWithoutEnd) {
    guard_.remember("owner", home, start);
    for (std::size_t i = 0; i < limits::guarded_identifiers_max + 10; ++i) {
        const std::string name = "made-up-" + std::to_string(i);
        enter(name, "1.2.3.4");
        guard_.settle(name, "1.2.3.4", Outcome::failed, start);
    }
    fail("owner", 100);
    EXPECT_EQ(enter("owner", home), 0) << "known addresses survive it";
}

TEST_F(LogInGuardTest, NamesThatWereNotJudgedPushNobodyOut) {
    for (std::int64_t i = 0; i <= limits::log_in_failures_free; ++i)
        enter("a", home);
    for (std::size_t i = 0; i < limits::guarded_identifiers_max + 10; ++i) {
        const std::string name = "made-up-" + std::to_string(i);
        enter(name, "1.2.3.4");
        guard_.settle(name, "1.2.3.4", Outcome::open, start);
    }
    EXPECT_GT(enter("a", "1.2.3.4"), 0);
}

}  // namespace
}  // namespace roost::pds
