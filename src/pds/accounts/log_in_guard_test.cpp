#include "pds/accounts/log_in_guard.h"

#include <gtest/gtest.h>

#include "pds/limits.h"

namespace roost::pds {
namespace {

constexpr Timestamp start{1'000'000'000};

TEST(LogInGuard, AFewFailuresCostNothing) {
    LogInGuard guard;
    for (std::int64_t i = 0; i < limits::log_in_failures_free; ++i)
        guard.on_failure("a", start);
    EXPECT_EQ(guard.delay_ms("a", "1.2.3.4", start), 0);
}

TEST(LogInGuard, MoreFailuresWaitLongerUpToABound) {
    LogInGuard guard;
    for (std::int64_t i = 0; i <= limits::log_in_failures_free; ++i)
        guard.on_failure("a", start);
    EXPECT_EQ(guard.delay_ms("a", "1.2.3.4", start), limits::log_in_delay_step_ms);
    guard.on_failure("a", start);
    EXPECT_EQ(guard.delay_ms("a", "1.2.3.4", start), 2 * limits::log_in_delay_step_ms);
    for (int i = 0; i < 1'000; ++i)
        guard.on_failure("a", start);
    EXPECT_EQ(guard.delay_ms("a", "1.2.3.4", start), limits::log_in_delay_ms_max);
    EXPECT_EQ(guard.delay_ms("b", "1.2.3.4", start), 0) << "another identifier is not slowed";
}

TEST(LogInGuard, WhoHasLoggedInFromAnAddressDoesNotWaitThere) {
    LogInGuard guard;
    guard.on_success("a", "5.6.7.8", start);
    for (int i = 0; i < 100; ++i)
        guard.on_failure("a", start);
    EXPECT_EQ(guard.delay_ms("a", "5.6.7.8", start), 0);
    EXPECT_GT(guard.delay_ms("a", "1.2.3.4", start), 0);
}

TEST(LogInGuard, FailuresAreForgotten) {
    LogInGuard guard;
    for (int i = 0; i < 100; ++i)
        guard.on_failure("a", start);
    EXPECT_EQ(guard.delay_ms("a", "1.2.3.4", start.plus_s(limits::log_in_failures_kept_s)), 0);
}

TEST(LogInGuard, AFloodOfNamesDoesNotGrowWithoutEnd) {
    LogInGuard guard;
    guard.on_success("owner", "5.6.7.8", start);
    for (std::size_t i = 0; i < limits::guarded_identifiers_max + 10; ++i)
        guard.on_failure("made-up-" + std::to_string(i), start);
    for (int i = 0; i < 100; ++i)
        guard.on_failure("owner", start);
    EXPECT_EQ(guard.delay_ms("owner", "5.6.7.8", start), 0) << "known addresses survive it";
}

}  // namespace
}  // namespace roost::pds
