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

}  // namespace
}  // namespace roost::pds::key_store
