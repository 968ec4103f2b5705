#include "pds/accounts/password_hash.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <array>

namespace roost::pds {
namespace {

// Made by node's crypto.scrypt(password, salt, 64) as the reference server calls it.
constexpr std::string_view scrypt_hash =
    "98d62bae104793d2ea2698e39372a4c7:"
    "d9e93df38f4139856eb75013d1cb0c3ccf935f3309d1463f58cc1d3f6e50a855"
    "a6219422cb15a90ec7c9541f022d6ba9ce80c3d86e29aa8a9c6d7048d0766e84";

PasswordMatch verify(std::string password, std::string_view hash) {
    return verify_password(SecretText(std::move(password)), hash);
}

TEST(PasswordHash, VerifiesWhatItMade) {
    const std::string hash = hash_password(SecretText("correct horse battery"));
    EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << hash;
    EXPECT_EQ(verify("correct horse battery", hash), PasswordMatch::yes);
    EXPECT_EQ(verify("correct horse batterY", hash), PasswordMatch::no);
    EXPECT_NE(hash, hash_password(SecretText("correct horse battery"))) << "each has its salt";
}

TEST(PasswordHash, VerifiesTheReferencesHashesAndAsksToRehash) {
    EXPECT_EQ(verify("correct horse battery", scrypt_hash), PasswordMatch::yes_but_rehash);
    EXPECT_EQ(verify("correct horse", scrypt_hash), PasswordMatch::no);
}

TEST(PasswordHash, AsksToRehashWeakerParameters) {
    std::array<char, crypto_pwhash_STRBYTES> weaker{};
    ASSERT_EQ(
        crypto_pwhash_str_alg(weaker.data(), "x", 1, 1, 8 << 20, crypto_pwhash_ALG_ARGON2ID13), 0);
    EXPECT_EQ(verify("x", weaker.data()), PasswordMatch::yes_but_rehash);
    EXPECT_EQ(verify("y", weaker.data()), PasswordMatch::no);
}

TEST(PasswordHash, NothingMatchesWhatIsNoHash) {
    for (const std::string_view hash :
         {"", ":", "x", "no hash", "abcd:", ":abcd", "98d62bae104793d2ea2698e39372a4c7:d9e9",
          "98d62bae104793d2ea2698e39372a4c7:zz", "$argon2", "$argon2id$v=19$m=19456,t=2,p=1$$",
          "$argon2id$v=19$m=19456,t=2,p=1$AAAA$BBBB"})
        for (const std::string password : {"", "x"})
            EXPECT_EQ(verify(password, hash), PasswordMatch::no) << hash;
    EXPECT_EQ(verify("x", "$argon2" + std::string(5'000, 'a')), PasswordMatch::no);
}

TEST(PasswordHash, TheDecoyIsOfTheSameKindAndIsMadeOnce) {
    EXPECT_TRUE(decoy_hash().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    EXPECT_EQ(&decoy_hash(), &decoy_hash());
    EXPECT_EQ(verify("", decoy_hash()), PasswordMatch::no);
}

}  // namespace
}  // namespace roost::pds
