#include "pds/accounts/account_search.h"

#include <gtest/gtest.h>

#include "pds/limits.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using Names = std::vector<std::string>;

class AccountSearchTest : public ::testing::Test {
  protected:
    void add(const std::string& handle, const std::string& email) {
        const Account account = bed_.add_account(handle);
        bed_.write([&](db::Transaction& t) {
            if (email.empty())
                t.execute("UPDATE account SET email = NULL WHERE id = $1", account.id);
            else
                account_store::set_email(t, account.id, email);
        });
    }
    Result<account_search::Page> search(std::string_view text,
                                        const std::optional<std::string>& cursor = {},
                                        std::int64_t limit = 50) {
        return bed_.read(
            [&](db::Transaction& t) { return account_search::by_email(t, text, cursor, limit); });
    }
    // All pages, of that size.
    Names found(std::string_view text, std::int64_t limit = 50) {
        Names names;
        std::optional<std::string> cursor;
        for (int pages = 0; pages < 100; ++pages) {
            const auto page = testing::must(search(text, cursor, limit));
            EXPECT_LE(static_cast<std::int64_t>(page.accounts.size()), limit);
            for (const Account& account : page.accounts)
                names.push_back(account.handle.text());
            cursor = page.cursor;
            if (!cursor) return names;
        }
        return {"no end"};
    }

    testing::TestDatabase bed_;
};

TEST_F(AccountSearchTest, BeginningsComeFirstThenTheRest) {
    add("a.test", "zoe@example.org");
    add("b.test", "ann.zoe@example.org");
    add("c.test", "zoe.x@example.org");
    add("d.test", "other@example.org");
    add("e.test", "");
    for (const std::int64_t limit : {1, 2, 3, 50}) {
        EXPECT_EQ(found("zoe", limit), (Names{"c.test", "a.test", "b.test"})) << limit;
        EXPECT_EQ(found("ZOE@Example", limit), (Names{"a.test", "b.test"})) << limit;
        EXPECT_EQ(found("example.org", limit), (Names{"b.test", "d.test", "c.test", "a.test"}));
        EXPECT_EQ(found("nobody", limit), Names{}) << limit;
    }
}

TEST_F(AccountSearchTest, WithoutATextThereAreAllTheOldestFirst) {
    const Names all{"c.test", "a.test", "b.test"};
    for (const std::string& handle : all)
        add(handle, handle == "a.test" ? "" : handle + "@example.org");
    for (const std::int64_t limit : {1, 2, 3, 4})
        EXPECT_EQ(found("", limit), all) << limit;
}

TEST_F(AccountSearchTest, WhatAMatchMeansIsNoPattern) {
    add("a.test", "a_b@example.org");
    add("b.test", "axb@example.org");
    EXPECT_EQ(found("a_b"), Names{"a.test"});
    EXPECT_EQ(found("%"), Names{});
    EXPECT_EQ(found("_b@"), Names{"a.test"});
}

TEST_F(AccountSearchTest, OneCallIsBounded) {
    bed_.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20010) "
        "INSERT INTO account (did, handle, email, created_at) SELECT 'did:web:n' || i || '.test', "
        "'n' || i || '.test', printf('n%06d@example.org', i), 0 FROM n");
    const auto first = testing::must(search("020005@"));
    EXPECT_TRUE(first.accounts.empty());
    ASSERT_TRUE(first.cursor) << "it has not looked at all";
    const auto second = testing::must(search("020005@", first.cursor));
    ASSERT_EQ(second.accounts.size(), 1u);
    EXPECT_EQ(second.accounts[0].handle.text(), "n20005.test");
    EXPECT_FALSE(second.cursor);
}

TEST_F(AccountSearchTest, ACursorIsOneOfOurs) {
    for (const std::string cursor : {"", "x", "n:", "n:x", "n:1x", "q:a"}) {
        EXPECT_EQ(testing::name_of(search("", cursor)), "InvalidRequest") << cursor;
    }
    EXPECT_EQ(testing::name_of(search("a", "n:1")), "InvalidRequest");
    EXPECT_EQ(testing::name_of(search("", "b:a")), "InvalidRequest");
}

}  // namespace
}  // namespace roost::pds
