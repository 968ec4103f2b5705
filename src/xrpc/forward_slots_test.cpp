#include "xrpc/forward_slots.h"

#include <gtest/gtest.h>

#include <vector>

#include "xrpc/limits.h"

namespace roost::xrpc {
namespace {

using Slots = std::vector<ForwardSlots::Slot>;

// Takes as many as there are, at most so many.
std::string take(ForwardSlots& slots, std::int64_t account_id, std::size_t count, Slots& taken) {
    for (std::size_t i = 0; i < count; ++i) {
        Result<ForwardSlots::Slot> slot = slots.take(account_id);
        if (!slot.has_value()) return slot.error().name;
        taken.push_back(*std::move(slot));
    }
    return "";
}

TEST(ForwardSlots, AnAccountHasItsShare) {
    ForwardSlots slots;
    Slots taken, others;
    EXPECT_EQ(take(slots, 1, limits::forwarded_per_account_max, taken), "");
    EXPECT_EQ(take(slots, 1, 1, taken), "RateLimitExceeded");
    EXPECT_EQ(take(slots, 2, limits::forwarded_per_account_max, others), "");
    taken.pop_back();
    EXPECT_EQ(take(slots, 1, 2, taken), "RateLimitExceeded");
    EXPECT_EQ(taken.size(), limits::forwarded_per_account_max);
    taken.clear();
    EXPECT_EQ(take(slots, 1, limits::forwarded_per_account_max, taken), "");
}

TEST(ForwardSlots, AllTogetherHaveABound) {
    ForwardSlots slots;
    Slots taken;
    std::int64_t account_id = 0;
    while (take(slots, account_id, limits::forwarded_per_account_max, taken).empty())
        ++account_id;
    EXPECT_EQ(taken.size(), limits::forwarded_max);
    EXPECT_EQ(take(slots, account_id + 1, 1, taken), "ServiceUnavailable");
    taken.pop_back();
    EXPECT_EQ(take(slots, account_id + 1, 1, taken), "");
}

}  // namespace
}  // namespace roost::xrpc
