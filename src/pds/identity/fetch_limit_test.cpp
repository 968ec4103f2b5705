#include "pds/identity/fetch_limit.h"

#include <gtest/gtest.h>

#include "pds/identity/limits.h"

namespace roost::pds {
namespace {

constexpr Timestamp start{1'000'000'000'000'000};

std::int64_t taken(FetchLimit& limit, std::string_view host, std::int64_t tries,
                   Timestamp time = start) {
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < tries; ++i)
        if (limit.take(host, time)) ++count;
    return count;
}

TEST(FetchLimit, BoundsEachHost) {
    FetchLimit limit;
    EXPECT_EQ(taken(limit, "ann.net", 1'000), limits::fetches_per_host_max);
    EXPECT_EQ(taken(limit, "bob.org", 1), 1);
    EXPECT_EQ(taken(limit, "ann.net", 1, start.plus_s(limits::fetch_window_s)), 1);
}

TEST(FetchLimit, BoundsAllHostsOfADomainTogether) {
    FetchLimit limit;
    std::int64_t count = 0;
    for (int i = 0; i < 1'000; ++i)
        count += taken(limit, std::to_string(i) + ".users.example.com", 1);
    EXPECT_EQ(count, limits::fetches_per_family_max);
    EXPECT_EQ(taken(limit, "example.com", 1), 0);
    EXPECT_EQ(taken(limit, "example.net", 1), 1);
}

TEST(FetchLimit, IsBoundedItself) {
    FetchLimit limit;
    for (std::size_t i = 0; i < 2 * limits::fetch_names_max; ++i)
        EXPECT_TRUE(limit.take(std::to_string(i) + ".host" + std::to_string(i % 50'000), start));
}

TEST(FetchLimit, TakesOddNames) {
    FetchLimit limit;
    for (const std::string_view host : {"", ".", "a", ".a", "a.", "localhost:80"})
        EXPECT_TRUE(limit.take(host, start)) << host;
}

}  // namespace
}  // namespace roost::pds
