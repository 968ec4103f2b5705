#include "pds/accounts/key_store.h"

#include <gtest/gtest.h>

#include "pds/limits.h"
#include "pds/testing.h"

namespace roost::pds::key_store {
namespace {

using atproto::Curve;
using atproto::PrivateKey;

class KeyStoreTest : public ::testing::Test {
  protected:
    std::string reserve_for(const std::optional<atproto::Did>& did, const PrivateKey& candidate) {
        return bed_.write(
            [&](db::Transaction& t) { return reserve(t, did, candidate, bed_.vault, {1}); });
    }
    std::optional<PrivateKey> take(const atproto::Did& did) {
        return bed_.write([&](db::Transaction& t) { return take_reserved(t, did, bed_.vault); })
            .value();
    }

    testing::TestDatabase bed_;
    PrivateKey first_ = PrivateKey::generate(Curve::k256);
    PrivateKey second_ = PrivateKey::generate(Curve::k256);
    atproto::Did ann_ = testing::did_of("did:web:ann.test");
};

TEST_F(KeyStoreTest, FindsAnAccountsKey) {
    const Account ann = bed_.add_account("ann.test");
    const auto stored = bed_.read([&](db::Transaction& t) { return find(t, ann.id, bed_.vault); });
    ASSERT_TRUE(stored.has_value());
    const std::string did_key = bed_.read([](db::Transaction& t) {
        db::Rows row = t.select("SELECT did_key FROM signing_key");
        row.next();
        return std::string(row.text(0));
    });
    EXPECT_EQ(stored->public_key().did_key(), did_key);
    const KeyVault other(SecretBytes(Bytes(32, 9)));
    EXPECT_FALSE(bed_.read([&](db::Transaction& t) { return find(t, ann.id, other); }).has_value());
}

TEST_F(KeyStoreTest, ReservesOneKeyForADid) {
    const std::string reserved = reserve_for(ann_, first_);
    EXPECT_EQ(reserved, first_.public_key().did_key());
    EXPECT_EQ(reserve_for(ann_, second_), reserved);
    EXPECT_EQ(reserve_for(testing::did_of("did:web:bob.test"), second_),
              second_.public_key().did_key());
    EXPECT_EQ(bed_.count("SELECT count(*) FROM reserved_key"), 2);
}

TEST_F(KeyStoreTest, ReservesANewKeyForNobody) {
    EXPECT_EQ(reserve_for(std::nullopt, first_), first_.public_key().did_key());
    EXPECT_EQ(reserve_for(std::nullopt, second_), second_.public_key().did_key());
}

TEST_F(KeyStoreTest, TakesAReservedKeyOnce) {
    EXPECT_FALSE(take(ann_));
    reserve_for(ann_, first_);
    reserve_for(std::nullopt, second_);
    EXPECT_FALSE(take(testing::did_of("did:web:bob.test")));
    const auto taken = take(ann_);
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->public_key(), first_.public_key());
    EXPECT_FALSE(take(ann_));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM reserved_key"), 1);
}

TEST_F(KeyStoreTest, TheOldestReservationsMakeRoom) {
    reserve_for(ann_, first_);
    bed_.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
        "INSERT INTO reserved_key (did_key, did, sealed, created_at) "
        "SELECT 'did:key:z' || i, NULL, x'00', 1 FROM n");
    reserve_for(std::nullopt, second_);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM reserved_key"), limits::reserved_keys_max);
    EXPECT_FALSE(take(ann_)) << "the oldest went first";
    EXPECT_EQ(bed_.count("SELECT count(*) FROM reserved_key WHERE did_key = 'did:key:z1'"), 0);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM reserved_key WHERE did_key = 'did:key:z2'"), 1);
}

TEST_F(KeyStoreTest, APendingKeyIsAdoptedOrGivenBack) {
    const Account ann = bed_.add_account("ann.test", ann_.text());
    const std::string wanted = first_.public_key().did_key();
    const auto make = [&](const std::string& did_key) {
        return bed_.write([&](db::Transaction& t) {
            return make_pending(t, ann.id, ann.did, did_key, Timestamp{5});
        });
    };
    const auto pending = [&] {
        return bed_.read([&](db::Transaction& t) { return find_pending(t, ann.id); });
    };
    EXPECT_FALSE(make(wanted)) << "it is not reserved";
    reserve_for(std::nullopt, first_);
    EXPECT_TRUE(make(wanted));
    EXPECT_FALSE(make(wanted)) << "it is no reservation any more";
    EXPECT_EQ(pending()->did_key, wanted);
    EXPECT_EQ(pending()->created_at, Timestamp{5});
    // A reservation that the DID got meanwhile makes room.
    reserve_for(ann_, second_);
    bed_.write([&](db::Transaction& t) { give_back_pending(t, ann.id, ann.did); });
    EXPECT_FALSE(pending());
    EXPECT_EQ(bed_.count("SELECT count(*) FROM reserved_key"), 1);
    EXPECT_TRUE(make(wanted));
    EXPECT_EQ(bed_.read([&](db::Transaction& t) { return all_pending(t, 10).size(); }), 1U);
    bed_.write([&](db::Transaction& t) {
        EXPECT_EQ(open_pending(t, ann.id, bed_.vault)->public_key(), first_.public_key());
        adopt_pending(t, ann.id);
    });
    EXPECT_FALSE(pending());
    EXPECT_EQ(
        bed_.read([&](db::Transaction& t) { return find(t, ann.id, bed_.vault); })->public_key(),
        first_.public_key());
}

class ResealTest : public KeyStoreTest {
  protected:
    ResealTest() {
        const Account ann = bed_.add_account("ann.test");
        bed_.add_account("bob.test");
        reserve_for(ann_, first_);
        bed_.write([&](db::Transaction& t) {
            t.execute(
                "INSERT INTO pending_signup (did, handle, did_key, sealed, operation, created_at) "
                "VALUES ('did:plc:x', 'x.test', $1, $2, '{}', 1)",
                second_.public_key().did_key(), bed_.vault.seal(second_));
            t.execute(
                "INSERT INTO pending_signing_key (account_id, did_key, sealed, created_at) "
                "VALUES ($1, $2, $3, 1)",
                ann.id, second_.public_key().did_key(), bed_.vault.seal(second_));
        });
    }
    std::vector<bool> open_with(const KeyVault& vault) {
        return bed_.read([&](db::Transaction& t) {
            std::vector<bool> found;
            db::Rows rows = t.select(
                "SELECT did_key, sealed FROM signing_key UNION ALL "
                "SELECT did_key, sealed FROM reserved_key UNION ALL "
                "SELECT did_key, sealed FROM pending_signup UNION ALL "
                "SELECT did_key, sealed FROM pending_signing_key");
            while (rows.next())
                found.push_back(vault.open(rows.bytes(1), rows.text(0)).has_value());
            return found;
        });
    }
    Resealed reseal_to(const KeyVault& to) {
        return bed_.write([&](db::Transaction& t) {
            return reseal_all(t, bed_.vault, to, [this](std::int64_t seen, std::int64_t all) {
                seen_.push_back(seen);
                EXPECT_EQ(all, 5);
            });
        });
    }

    const KeyVault other_{SecretBytes(Bytes(32, 9))};
    std::vector<std::int64_t> seen_;
};

TEST_F(ResealTest, SealsEveryKeyOfEveryTableAnew) {
    EXPECT_TRUE(bed_.read([&](db::Transaction& t) { return any_opens(t, bed_.vault); }));
    EXPECT_FALSE(bed_.read([&](db::Transaction& t) { return any_opens(t, other_); }));
    const Resealed sum = reseal_to(other_);
    EXPECT_EQ(sum.done, 5);
    EXPECT_EQ(sum.unreadable, 0);
    EXPECT_EQ(open_with(other_), std::vector<bool>(5, true));
    EXPECT_EQ(open_with(bed_.vault), std::vector<bool>(5, false));
    EXPECT_EQ(seen_, (std::vector<std::int64_t>{2, 3, 4, 5}));
    EXPECT_TRUE(bed_.read([&](db::Transaction& t) { return any_opens(t, other_); }));
    EXPECT_FALSE(bed_.read([&](db::Transaction& t) { return any_opens(t, bed_.vault); }));
}

TEST_F(ResealTest, LeavesWhatDoesNotOpen) {
    bed_.write([&](db::Transaction& t) {
        t.execute("UPDATE reserved_key SET sealed = $1",
                  KeyVault(SecretBytes(Bytes(32, 8))).seal(first_));
    });
    const Resealed sum = reseal_to(other_);
    EXPECT_EQ(sum.done, 4);
    EXPECT_EQ(sum.unreadable, 1);
    EXPECT_EQ(open_with(other_), (std::vector<bool>{true, true, false, true, true}));
    EXPECT_EQ(open_with(KeyVault(SecretBytes(Bytes(32, 8)))),
              (std::vector<bool>{false, false, true, false, false}));
}

TEST_F(ResealTest, GoesThroughManyRows) {
    bed_.write([&](db::Transaction& t) {
        const Bytes sealed = bed_.vault.seal(first_);
        const std::string did_key = first_.public_key().did_key();
        for (int i = 0; i < 2'500; ++i)
            t.execute(
                "INSERT INTO pending_signup (did, handle, did_key, sealed, operation, created_at) "
                "VALUES ($1, $1, $2, $3, '{}', 1)",
                std::to_string(i), did_key, sealed);
    });
    const Resealed sum = bed_.write([&](db::Transaction& t) {
        return reseal_all(t, bed_.vault, other_,
                          [this](std::int64_t seen, std::int64_t) { seen_.push_back(seen); });
    });
    EXPECT_EQ(sum.done, 2'505);
    EXPECT_EQ(open_with(other_), std::vector<bool>(2'505, true));
    EXPECT_EQ(seen_, (std::vector<std::int64_t>{2, 3, 1'003, 2'003, 2'504, 2'505}));
}

TEST_F(ResealTest, TheNewestKeyTellsOfAWrongMasterKey) {
    const auto newest = [&](const KeyVault& vault) {
        return bed_.read([&](db::Transaction& t) { return newest_opens(t, vault); });
    };
    EXPECT_TRUE(newest(bed_.vault));
    EXPECT_FALSE(newest(other_));
    bed_.execute("DELETE FROM account");
    EXPECT_TRUE(newest(other_)) << "there is nothing to tell by";
}

}  // namespace
}  // namespace roost::pds::key_store
