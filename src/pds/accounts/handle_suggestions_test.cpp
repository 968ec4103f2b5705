#include "pds/accounts/handle_suggestions.h"

#include <gtest/gtest.h>

#include <set>

#include "pds/accounts/pending_handles.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

class HandleSuggestionsTest : public ::testing::Test {
  protected:
    Result<Availability> check(std::string_view handle, std::optional<std::string> email = {}) {
        return bed_.read([&](db::Transaction& t) {
            return check_availability(t, policy_, {testing::handle_of(handle), std::move(email)});
        });
    }

    testing::TestDatabase bed_;
    HandlePolicy policy_{{".test", ".pds.example"}, PunycodeHandles::allowed};
};

TEST_F(HandleSuggestionsTest, WhatNobodyHasIsFree) {
    const Availability found = testing::must(check("ann.test"));
    EXPECT_TRUE(found.is_free);
    EXPECT_TRUE(found.suggestions.empty());
    EXPECT_TRUE(testing::must(check("ANN.pds.example")).is_free);
}

TEST_F(HandleSuggestionsTest, WhatIsTakenHasFreeNeighbours) {
    bed_.add_account("ann.test");
    const Availability found = testing::must(check("Ann.test", "Ann.Bee+x@example.org"));
    EXPECT_FALSE(found.is_free);
    ASSERT_EQ(found.suggestions.size(), 5u);
    EXPECT_EQ(found.suggestions[0].handle.text(), "ann-bee.test");
    EXPECT_EQ(found.suggestions[0].method, "email");
    std::set<std::string> handles;
    for (const HandleSuggestion& each : found.suggestions) {
        handles.insert(each.handle.text());
        EXPECT_TRUE(testing::must(check(each.handle.text())).is_free) << each.handle.text();
    }
    EXPECT_EQ(handles.size(), 5u);
}

TEST_F(HandleSuggestionsTest, ASignUpUnderWayHoldsItsHandle) {
    bed_.write([&](db::Transaction& t) {
        account_store::insert_pending(t, {.did = testing::did_of("did:web:a.test"),
                                          .handle = testing::handle_of("ann.test"),
                                          .email = {},
                                          .password_hash = {},
                                          .invite_code = {},
                                          .did_key = "did:key:z1",
                                          .sealed_key = {},
                                          .operation = "{}",
                                          .created_at = {1}});
    });
    EXPECT_FALSE(testing::must(check("ann.test")).is_free);
}

TEST_F(HandleSuggestionsTest, AChangeUnderWayHoldsItsHandle) {
    const Account bob = bed_.add_account("bob.test");
    bed_.write([&](db::Transaction& t) {
        pending_handles::put(t, {bob.id, testing::handle_of("ann.test"), now()});
    });
    EXPECT_FALSE(testing::must(check("ann.test")).is_free);
}

TEST_F(HandleSuggestionsTest, LongNamesAreCutAndReservedOnesAreNotFree) {
    bed_.add_account("aaaaaaaaaaaaaaaaaa.test");
    const Availability found = testing::must(check("aaaaaaaaaaaaaaaaaa.test"));
    EXPECT_FALSE(found.suggestions.empty());
    for (const HandleSuggestion& each : found.suggestions)
        EXPECT_LE(each.handle.text().size(), std::string("aaaaaaaaaaaaaaaaaa.test").size());
    EXPECT_FALSE(testing::must(check("admin.test")).is_free);
}

TEST_F(HandleSuggestionsTest, WhatIsNotOursToGiveIsRefused) {
    EXPECT_EQ(testing::name_of(check("ann.example.com")), "UnsupportedDomain");
    EXPECT_EQ(testing::name_of(check("a.b.test")), "InvalidHandle");
    EXPECT_EQ(testing::name_of(check("ab.test")), "InvalidHandle");
}

}  // namespace
}  // namespace roost::pds
