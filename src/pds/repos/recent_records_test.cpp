#include "pds/repos/recent_records.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "atproto/data/cbor.h"
#include "pds/repos/record_store.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

class RecentRecordsTest : public ::testing::Test, public testing::TestDatabase {
  public:
    // A record of a commit so many seconds after the account was made.
    void put(const std::string& key, std::string_view text, int after_s) {
        write([&](db::Transaction& t) {
            const auto repo = repo_store::find(t, ann.id);
            const Bytes value = atproto::cbor::encode(atproto::Object{{"text", text}});
            const atproto::Tid rev = rev_at(after_s);
            record_store::put(t, repo->id, key, atproto::Cid::of(atproto::Codec::dag_cbor, value),
                              rev.number(), value);
            repo_store::Head head = repo->head;
            const atproto::Tid from = head.rev;
            head.rev = std::max(from, rev);
            repo_store::advance(t, repo->id, from, head, repo->record_count + 1);
        });
    }
    static std::string post(int number) { return "app.bsky.feed.post/" + rev_at(number).text(); }
    static atproto::Tid rev_at(int after_s) {
        static const Timestamp start = now().plus_s(60);
        return atproto::Tid::from(start.plus_s(after_s), 5);
    }
    RecentRecords since(int after_s) {
        return read(
            [&](db::Transaction& t) { return recent_records::since(t, ann.id, rev_at(after_s)); });
    }
    static std::string texts(const std::vector<RecentRecord>& posts) {
        std::string all;
        for (const RecentRecord& post : posts)
            all += *post.value.find("text")->as<std::string>() + " ";
        return all;
    }
    Account ann = add_account("ann.test");
};

TEST_F(RecentRecordsTest, AreThoseThatWereWrittenSince) {
    put("app.bsky.actor.profile/self", "profile", 1);
    for (int i = 2; i < 6; ++i)
        put(post(i), std::to_string(i), i);
    put("app.bsky.feed.like/x", "like", 6);
    EXPECT_TRUE(since(6).is_empty());
    EXPECT_TRUE(since(7).is_empty());
    EXPECT_EQ(texts(since(3).posts), "4 5 ") << "the oldest first";
    EXPECT_FALSE(since(3).profile);
    put("app.bsky.actor.profile/self", "new", 8);
    const RecentRecords recent = since(4);
    EXPECT_EQ(texts(recent.posts), "5 ");
    EXPECT_EQ(*recent.profile->value.find("text")->as<std::string>(), "new");
    EXPECT_EQ(recent.oldest(), recent.posts.front().written_at);
    EXPECT_EQ(recent.posts.front().rkey, rev_at(5).text());
    // An old post that was changed.
    put(post(2), "changed", 9);
    EXPECT_EQ(texts(since(8).posts), "changed ");
}

TEST_F(RecentRecordsTest, NothingIsRecentIfAllIs) {
    put(post(5), "moved here", 5);
    put(post(6), "moved here, too", 5);
    EXPECT_TRUE(since(4).is_empty());
    put(post(3), "old", 3);
    EXPECT_EQ(since(4).posts.size(), 2U);
}

TEST_F(RecentRecordsTest, WhatIsTakenDownIsNotShown) {
    put("app.bsky.actor.profile/self", "profile", 1);
    put(post(2), "fine", 2);
    put(post(3), "hidden", 3);
    put("app.bsky.actor.profile/self", "hidden", 4);
    write([&](db::Transaction& t) {
        const RepoId repo = repo_store::find(t, ann.id)->id;
        record_store::set_takedown(t, repo, post(3), "x");
        record_store::set_takedown(t, repo, "app.bsky.actor.profile/self", "x");
    });
    put("app.bsky.feed.like/a", "old", 0);
    EXPECT_EQ(texts(since(1).posts), "fine ");
    EXPECT_FALSE(since(1).profile);
}

TEST_F(RecentRecordsTest, AreBounded) {
    put("app.bsky.actor.profile/self", "profile", 0);
    for (int i = 1; i < 30; ++i)
        put(post(i), std::to_string(i), i);
    const RecentRecords recent = since(1);
    EXPECT_EQ(std::ssize(recent.posts), recent_posts_max);
    EXPECT_EQ(*recent.posts.back().value.find("text")->as<std::string>(), "29");
}

}  // namespace
}  // namespace roost::pds
