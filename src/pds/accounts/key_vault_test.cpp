#include "pds/accounts/key_vault.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace roost::pds {
namespace {

using atproto::Curve;
using atproto::PrivateKey;

SecretBytes master(std::uint8_t byte) {
    return SecretBytes(Bytes(32, byte));
}

class KeyVaultTest : public ::testing::TestWithParam<Curve> {
  protected:
    const KeyVault vault_{master(1)};
    const PrivateKey key_ = PrivateKey::generate(GetParam());
    const std::string did_key_ = key_.public_key().did_key();
    const Bytes sealed_ = vault_.seal(key_);
};
INSTANTIATE_TEST_SUITE_P(Curves, KeyVaultTest, ::testing::Values(Curve::k256, Curve::p256));

TEST_P(KeyVaultTest, OpensWhatItSealed) {
    const auto opened = vault_.open(sealed_, did_key_);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->public_key(), key_.public_key());
    EXPECT_EQ(opened->reveal_raw().reveal(), key_.reveal_raw().reveal());
    EXPECT_TRUE(KeyVault(master(1)).open(sealed_, did_key_).has_value());
}

TEST_P(KeyVaultTest, WhatIsRememberedIsOnlyWhatWasOpened) {
    ASSERT_TRUE(vault_.open(sealed_, did_key_).has_value());
    const auto again = vault_.open(sealed_, did_key_);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->reveal_raw().reveal(), key_.reveal_raw().reveal());
    EXPECT_FALSE(vault_.open(sealed_, did_key_ + "z").has_value());
    EXPECT_FALSE(vault_.open(ByteView(sealed_).first(sealed_.size() - 1), did_key_).has_value());
}

TEST_P(KeyVaultTest, HidesTheKeyAndNeverSealsAlike) {
    const Bytes raw = key_.reveal_raw().reveal();
    EXPECT_EQ(std::search(sealed_.begin(), sealed_.end(), raw.begin(), raw.end()), sealed_.end());
    EXPECT_NE(vault_.seal(key_), sealed_);
}

TEST_P(KeyVaultTest, AnotherMasterKeyOpensNothing) {
    const auto opened = KeyVault(master(2)).open(sealed_, did_key_);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().fault, Fault::internal);
    EXPECT_NE(opened.error().message.find("ROOST_MASTER_KEY_FILE"), std::string::npos);
}

TEST_P(KeyVaultTest, EveryChangedByteIsNoticed) {
    ASSERT_TRUE(vault_.open(sealed_, did_key_).has_value());
    for (std::size_t i = 0; i < sealed_.size(); ++i)
        for (const std::uint8_t flip : {0x01, 0x03, 0x80}) {
            Bytes changed = sealed_;
            changed[i] ^= flip;
            EXPECT_FALSE(vault_.open(changed, did_key_).has_value()) << "byte " << i;
        }
}

TEST_P(KeyVaultTest, OtherSizesAreNoKeys) {
    for (std::size_t size = 0; size < sealed_.size(); ++size)
        EXPECT_FALSE(vault_.open(ByteView(sealed_).first(size), did_key_).has_value());
    Bytes longer = sealed_;
    longer.push_back(0);
    EXPECT_FALSE(vault_.open(longer, did_key_).has_value());
}

TEST_P(KeyVaultTest, ASealedKeyMovedToAnotherRowDoesNotOpen) {
    const auto other = PrivateKey::generate(GetParam()).public_key().did_key();
    EXPECT_FALSE(vault_.open(sealed_, other).has_value());
    EXPECT_FALSE(vault_.open(sealed_, "").has_value());
}

TEST(KeyVault, HasAnIdThatTellsNothing) {
    const std::string id = KeyVault(master(1)).id();
    EXPECT_EQ(id, KeyVault(master(1)).id());
    EXPECT_NE(id, KeyVault(master(2)).id());
    EXPECT_EQ(id.size(), 8U);
    EXPECT_NE(id, "01010101");
}

TEST(KeyVault, AsksForAWholeMasterKey) {
    EXPECT_DEATH(KeyVault(SecretBytes(Bytes(31, 1))), "the master key has 32 bytes");
}

}  // namespace
}  // namespace roost::pds
