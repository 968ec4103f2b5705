#include "pds/accounts/account_store.h"

#include <gtest/gtest.h>

#include <set>

#include "db/failure.h"
#include "pds/testing.h"

namespace roost::pds::account_store {
namespace {

using testing::did_of;
using testing::handle_of;

class AccountStoreTest : public ::testing::Test {
  protected:
    PendingSignup pending(std::string_view did, std::string_view handle, std::string email,
                          std::int64_t created_us = 7) {
        return {.did = did_of(did),
                .handle = handle_of(handle),
                .email = std::move(email),
                .password_hash = "hash",
                .invite_code = "code",
                .did_key = "did:key:z1",
                .sealed_key = Bytes{0, 1, 255},
                .operation = "{}",
                .created_at = {created_us}};
    }

    testing::TestDatabase bed_;
};

TEST_F(AccountStoreTest, FindsByEveryName) {
    const Account ann = bed_.add_account("ann.test");
    bed_.add_account("bob.test");
    const Account found = *bed_.account(ann.id);
    EXPECT_EQ(found.did, ann.did);
    EXPECT_EQ(found.handle.text(), "ann.test");
    EXPECT_EQ(found.email, "ann@example.org");
    EXPECT_TRUE(found.is_active());
    EXPECT_FALSE(found.email_confirmed_at);
    bed_.read([&](db::Transaction& t) {
        EXPECT_EQ(find_by_did(t, ann.did)->id, ann.id);
        EXPECT_EQ(find_by_handle(t, handle_of("ANN.test"))->id, ann.id);
        EXPECT_EQ(find_by_email(t, "ann@example.org")->id, ann.id);
        EXPECT_FALSE(find_by_email(t, "ANN@example.org")) << "addresses are stored normalised";
        EXPECT_FALSE(find_by_handle(t, handle_of("carl.test")));
        EXPECT_FALSE(find_by_did(t, did_of("did:plc:zzzzzzzzzzzzzzzzzzzzzzzz")));
        EXPECT_FALSE(find_by_id(t, 12345));
    });
}

TEST_F(AccountStoreTest, KnowsWhetherThereIsAny) {
    const auto any = [&] { return bed_.read([](db::Transaction& t) { return has_any(t); }); };
    EXPECT_FALSE(any());
    const PendingSignup signup =
        pending("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", "bob.test", "bob@example.org");
    bed_.write([&](db::Transaction& t) { insert_pending(t, signup); });
    EXPECT_TRUE(any()) << "its identity may be registered already";
    bed_.write([&](db::Transaction& t) { erase_pending(t, signup.did); });
    EXPECT_FALSE(any());
    const Account ann = bed_.add_account("ann.test");
    EXPECT_TRUE(any());
    bed_.write([&](db::Transaction& t) { erase(t, ann.id); });
    EXPECT_FALSE(any());
}

TEST_F(AccountStoreTest, TreatsSqlInAStringAsText) {
    const Account ann = bed_.add_account("ann.test");
    bed_.write([&](db::Transaction& t) { set_email(t, ann.id, "'; DROP TABLE account; --"); });
    EXPECT_EQ(bed_.account(ann.id)->email, "'; DROP TABLE account; --");
}

TEST_F(AccountStoreTest, KeepsDidHandleAndEmailUnique) {
    const Account ann = bed_.add_account("ann.test");
    const auto insert_with = [&](std::string_view did, std::string_view handle, std::string email) {
        bed_.write([&](db::Transaction& t) {
            insert(t, {.did = did_of(did), .handle = handle_of(handle), .email = email}, {1});
        });
    };
    EXPECT_THROW(insert_with(ann.did.text(), "new.test", "n@example.org"), db::Failure);
    EXPECT_THROW(insert_with("did:web:new.test", "ann.test", "n@example.org"), db::Failure);
    EXPECT_THROW(insert_with("did:web:new.test", "new.test", "ann@example.org"), db::Failure);
    EXPECT_NO_THROW(insert_with("did:web:new.test", "new.test", "n@example.org"));
}

TEST_F(AccountStoreTest, ATakedownOutranksADeactivation) {
    const Account ann = bed_.add_account("ann.test");
    bed_.write([&](db::Transaction& t) { set_deactivated(t, ann.id, Timestamp{5}, Timestamp{9}); });
    Account now_is = *bed_.account(ann.id);
    EXPECT_EQ(now_is.status(), AccountStatus::deactivated);
    EXPECT_EQ(now_is.delete_after, Timestamp{9});
    bed_.write([&](db::Transaction& t) { set_takedown(t, ann.id, "ref-1"); });
    now_is = *bed_.account(ann.id);
    EXPECT_EQ(now_is.status(), AccountStatus::takendown);
    EXPECT_EQ(now_is.takedown_ref, "ref-1");
    bed_.write([&](db::Transaction& t) {
        set_takedown(t, ann.id, std::nullopt);
        set_deactivated(t, ann.id, std::nullopt, std::nullopt);
    });
    EXPECT_TRUE(bed_.account(ann.id)->is_active());
}

TEST_F(AccountStoreTest, ANewAddressIsUnconfirmedAndNoSecondFactor) {
    const Account ann = bed_.add_account("ann.test");
    bed_.write([&](db::Transaction& t) {
        set_email_confirmed(t, ann.id, {3});
        set_email_auth_factor(t, ann.id, true);
    });
    EXPECT_EQ(bed_.account(ann.id)->email_confirmed_at, Timestamp{3});
    EXPECT_TRUE(bed_.account(ann.id)->email_auth_factor);
    bed_.write([&](db::Transaction& t) { set_email(t, ann.id, "new@example.org"); });
    EXPECT_FALSE(bed_.account(ann.id)->email_confirmed_at);
    EXPECT_FALSE(bed_.account(ann.id)->email_auth_factor);
}

TEST_F(AccountStoreTest, ListsWhatIsDueOldestFirst) {
    const Account late = bed_.add_account("late.test");
    const Account early = bed_.add_account("early.test");
    const Account future = bed_.add_account("future.test");
    bed_.add_account("never.test");
    bed_.write([&](db::Transaction& t) {
        set_deactivated(t, late.id, Timestamp{1}, Timestamp{100});
        set_deactivated(t, early.id, Timestamp{1}, Timestamp{50});
        set_deactivated(t, future.id, Timestamp{1}, Timestamp{101});
    });
    bed_.read([&](db::Transaction& t) {
        const std::vector<Account> due = due_for_deletion(t, {100}, 10);
        ASSERT_EQ(due.size(), 2U);
        EXPECT_EQ(due[0].id, early.id);
        EXPECT_EQ(due[1].id, late.id);
        EXPECT_EQ(due_for_deletion(t, {100}, 1).size(), 1U);
    });
}

TEST_F(AccountStoreTest, KeepsPendingSignupsWhole) {
    const PendingSignup signup = pending("did:web:p.test", "p.test", "p@example.org");
    bed_.write([&](db::Transaction& t) { insert_pending(t, signup); });
    bed_.read([&](db::Transaction& t) {
        const auto found = find_pending(t, signup.did);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->handle, signup.handle);
        EXPECT_EQ(found->email, signup.email);
        EXPECT_EQ(found->password_hash, signup.password_hash);
        EXPECT_EQ(found->invite_code, signup.invite_code);
        EXPECT_EQ(found->did_key, signup.did_key);
        EXPECT_EQ(found->sealed_key, signup.sealed_key);
        EXPECT_EQ(found->operation, signup.operation);
        EXPECT_EQ(found->created_at, signup.created_at);
    });
    EXPECT_TRUE(bed_.write([&](db::Transaction& t) { return erase_pending(t, signup.did); }));
    EXPECT_FALSE(bed_.write([&](db::Transaction& t) { return erase_pending(t, signup.did); }));
}

TEST_F(AccountStoreTest, NamesTheHoldersOfAHandleOrAddress) {
    bed_.write([&](db::Transaction& t) {
        insert_pending(t, pending("did:web:b.test", "b.test", "b@example.org", 2));
        insert_pending(t, pending("did:web:a.test", "a.test", "a@example.org", 1));
        insert_pending(t, pending("did:web:c.test", "c.test", "c@example.org", 3));
    });
    bed_.read([&](db::Transaction& t) {
        const auto holders = pending_holders(t, handle_of("a.test"), "b@example.org");
        EXPECT_EQ(std::set(holders.begin(), holders.end()),
                  (std::set{did_of("did:web:a.test"), did_of("did:web:b.test")}));
        EXPECT_TRUE(pending_holders(t, handle_of("x.test"), std::nullopt).empty());
        const auto oldest = all_pending(t, 2);
        ASSERT_EQ(oldest.size(), 2U);
        EXPECT_EQ(oldest[0].did.text(), "did:web:a.test");
        EXPECT_EQ(oldest[1].did.text(), "did:web:b.test");
    });
}

}  // namespace
}  // namespace roost::pds::account_store
