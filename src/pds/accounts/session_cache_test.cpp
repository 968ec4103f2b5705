#include "pds/accounts/session_cache.h"

#include <gtest/gtest.h>

namespace roost::pds {
namespace {

constexpr Timestamp now{1'000'000'000};

class SessionCacheTest : public ::testing::Test {
  protected:
    void remember(std::uint64_t epoch) {
        cache_.remember("token", now.seconds() + 10, 5, found_, epoch);
    }
    void commit(std::string_view table, std::int64_t row) {
        versions_.note(table, row);
        versions_.publish();
    }

    db::RowVersions versions_{watched_tables()};
    SessionCache cache_{versions_};
    std::shared_ptr<const Authenticated> found_ = std::make_shared<const Authenticated>(
        Account{.id = 3,
                .did = atproto::Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").value(),
                .handle = atproto::Handle::parse("ann.test").value(),
                .created_at = now},
        Scope::access, "session");
};

TEST_F(SessionCacheTest, FindsWhatIsUnchanged) {
    remember(versions_.epoch());
    EXPECT_EQ(cache_.find("token", now), found_);
    EXPECT_EQ(cache_.find("token2", now), nullptr);
    commit("session", 6);
    commit("account", 4);
    EXPECT_EQ(cache_.find("token", now), found_) << "other rows are other people's";
}

TEST_F(SessionCacheTest, ForgetsWhenTheSessionOrTheAccountChanges) {
    remember(versions_.epoch());
    commit("session", 5);
    EXPECT_EQ(cache_.find("token", now), nullptr);
    remember(versions_.epoch());
    EXPECT_EQ(cache_.find("token", now), found_);
    commit("account", 3);
    EXPECT_EQ(cache_.find("token", now), nullptr);
}

TEST_F(SessionCacheTest, ForgetsWhenTheTokenExpires) {
    remember(versions_.epoch());
    EXPECT_EQ(cache_.find("token", now.plus_s(9)), found_);
    EXPECT_EQ(cache_.find("token", now.plus_s(10)), nullptr);
}

TEST_F(SessionCacheTest, KeepsNothingThatACommitOvertook) {
    const std::uint64_t epoch = versions_.epoch();
    commit("session", 5);
    remember(epoch);
    EXPECT_EQ(cache_.find("token", now), nullptr);
}

}  // namespace
}  // namespace roost::pds
