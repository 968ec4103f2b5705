#include "pds/accounts/account_cache.h"

#include <gtest/gtest.h>

#include "pds/accounts/account_store.h"
#include "pds/limits.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

class AccountCacheTest : public ::testing::Test {
  protected:
    std::shared_ptr<const Account> find(std::string_view did_or_handle) {
        return testing::must(bed_.loop.run(cache_.find(did_or_handle)));
    }

    testing::TestDatabase bed_;
    AccountCache cache_{bed_.db()};
    Account ann_ = bed_.add_account("ann.test");
};

TEST_F(AccountCacheTest, FindsByDidAndHandle) {
    for (const std::string& name : {ann_.did.text(), ann_.handle.text()}) {
        const auto first = find(name);
        ASSERT_NE(first, nullptr);
        EXPECT_EQ(first->id, ann_.id);
        EXPECT_EQ(find(name), first) << "it is remembered";
    }
    EXPECT_EQ(find("bob.test"), nullptr);
    EXPECT_EQ(find("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"), nullptr);
    EXPECT_EQ(find("neither"), nullptr);
    bed_.add_account("bob.test");
    EXPECT_NE(find("bob.test"), nullptr) << "that there is none is not remembered";
}

TEST_F(AccountCacheTest, KeepsOneSpelling) {
    const auto first = find("ANN.test");
    ASSERT_NE(first, nullptr);
    EXPECT_NE(find("ANN.test"), first);
}

TEST_F(AccountCacheTest, ForgetsWhatIsChanged) {
    EXPECT_TRUE(find("ann.test")->is_active());
    bed_.write([&](db::Transaction& t) { account_store::set_takedown(t, ann_.id, "ref"); });
    EXPECT_EQ(find("ann.test")->status(), AccountStatus::takendown);
    bed_.write([&](db::Transaction& t) { account_store::erase(t, ann_.id); });
    EXPECT_EQ(find("ann.test"), nullptr);
    EXPECT_EQ(find(ann_.did.text()), nullptr);
}

TEST_F(AccountCacheTest, SeesAHandleChangeHands) {
    const Account bob = bed_.add_account("bob.test");
    ASSERT_EQ(find("ann.test")->id, ann_.id);
    bed_.write([&](db::Transaction& t) {
        account_store::set_handle(t, ann_.id, testing::handle_of("ann2.test"));
        account_store::set_handle(t, bob.id, ann_.handle);
    });
    EXPECT_EQ(find("ann.test")->id, bob.id);
    EXPECT_EQ(find("ann2.test")->id, ann_.id);
}

}  // namespace
}  // namespace roost::pds
