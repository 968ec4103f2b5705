#include "pds/sync/event_log.h"

#include <gtest/gtest.h>

#include "atproto/repo/car.h"
#include "pds/testing.h"

namespace roost::pds::event_log {
namespace {

using atproto::Object;

class EventLogTest : public ::testing::Test {
  protected:
    void add(Timestamp at) {
        bed_.write([&](db::Transaction& t) { append_account(t, ann_, AccountStatus::active, at); });
    }

    testing::TestDatabase bed_;
    atproto::Did ann_ = testing::did_of("did:web:ann.test");
};

TEST_F(EventLogTest, NumbersAreTheTimeAndAlwaysRise) {
    add({1'000'000});
    add({1'000'000});
    add({2'000'000});
    add({500'000});  // the clock went back
    add({2'000'001});
    add({3'000'000});
    std::vector<std::int64_t> numbers;
    for (const auto& event : bed_.events())
        numbers.push_back(event.seq);
    EXPECT_EQ(numbers, (std::vector<std::int64_t>{1'000'000, 1'000'001, 2'000'000, 2'000'001,
                                                  2'000'002, 3'000'000}));
}

TEST_F(EventLogTest, AnUndoneTransactionLeavesNoNumberUsed) {
    const auto failing = [&](db::Transaction& t) -> Result<bool> {
        append_account(t, ann_, AccountStatus::active, {5});
        return Error::invalid("no");
    };
    EXPECT_FALSE(bed_.write(failing).has_value());
    EXPECT_TRUE(bed_.events().empty());
}

TEST_F(EventLogTest, RefusesNumbersThatJavaScriptCannotHold) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // the database has threads
    EXPECT_DEATH(add({1LL << 53}), "event numbers stay below 2\\^53");
}

TEST_F(EventLogTest, SaysWhatTheStatusIs) {
    bed_.write([&](db::Transaction& t) {
        append_account(t, ann_, AccountStatus::takendown, {1});
        append_account(t, ann_, AccountStatus::deactivated, {2});
        append_account_deleted(t, ann_, {3});
        append_identity(t, ann_, std::nullopt, {4});
        append_identity(t, ann_, testing::handle_of("ann.test"), {5});
    });
    const std::string did = ann_.text();
    const auto events = bed_.events();
    ASSERT_EQ(events.size(), 5U);
    EXPECT_EQ(events[0].body, (Object{{"did", did}, {"active", false}, {"status", "takendown"}}));
    EXPECT_EQ(events[1].body, (Object{{"did", did}, {"active", false}, {"status", "deactivated"}}));
    EXPECT_EQ(events[2].body, (Object{{"did", did}, {"active", false}, {"status", "deleted"}}));
    EXPECT_EQ(events[3].body, (Object{{"did", did}}));
    EXPECT_EQ(events[4].body, (Object{{"did", did}, {"handle", "ann.test"}}));
    for (const auto& event : events)
        EXPECT_EQ(event.did, did);
    EXPECT_EQ(events[3].kind, "identity");
    EXPECT_EQ(events[2].kind, "account");
}

TEST_F(EventLogTest, CarriesTheFirstCommitWithItsBlocks) {
    const auto key = atproto::PrivateKey::generate(atproto::Curve::k256);
    const auto repo = atproto::create_empty_repo(ann_, key, atproto::Tid::from({7}, 1));
    bed_.write([&](db::Transaction& t) {
        append_first_commit(t, ann_, repo, {1});
        append_sync(t, ann_, repo.rev, repo.commit, repo.blocks.front().bytes, {2});
    });
    const auto events = bed_.events();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].kind, "commit");
    Object commit = events[0].body;
    const Bytes car = *commit.find("blocks")->as<Bytes>();
    commit.erase("blocks");
    EXPECT_EQ(commit, (Object{{"repo", ann_.text()},
                              {"commit", repo.commit},
                              {"rev", repo.rev.text()},
                              {"since", nullptr},
                              {"ops", atproto::Array{}},
                              {"blobs", atproto::Array{}},
                              {"rebase", false},
                              {"tooBig", false}}));
    atproto::CarReader reader({.bytes_max = 10'000, .blocks_max = 10});
    ASSERT_TRUE(reader.feed(car).has_value());
    EXPECT_EQ(testing::must(reader.next())->cid, repo.commit);
    EXPECT_EQ(testing::must(reader.next())->cid, repo.data);
    EXPECT_FALSE(testing::must(reader.next()));
    EXPECT_TRUE(reader.finish().has_value());
    EXPECT_EQ(reader.roots(), std::vector{repo.commit});

    EXPECT_EQ(events[1].kind, "sync");
    EXPECT_EQ(*events[1].body.find("did"), atproto::Value(ann_.text()));
    EXPECT_EQ(*events[1].body.find("rev"), atproto::Value(repo.rev.text()));
    atproto::CarReader sync({.bytes_max = 10'000, .blocks_max = 10});
    ASSERT_TRUE(sync.feed(*events[1].body.find("blocks")->as<Bytes>()).has_value());
    EXPECT_EQ(testing::must(sync.next())->cid, repo.commit);
    EXPECT_FALSE(testing::must(sync.next())) << "the commit alone";
    EXPECT_TRUE(sync.finish().has_value());
}

}  // namespace
}  // namespace roost::pds::event_log
