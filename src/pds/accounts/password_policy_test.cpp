#include "pds/accounts/password_policy.h"

#include <gtest/gtest.h>

namespace roost::pds {
namespace {

std::string refusal(std::string password) {
    const Result<void> checked = check_new_password(SecretText(std::move(password)));
    return checked.has_value() ? "" : checked.error().name;
}

TEST(PasswordPolicy, TakesEightTo256Bytes) {
    EXPECT_EQ(refusal("x7#kQ2m"), "InvalidPassword");
    EXPECT_EQ(refusal("x7#kQ2mP"), "");
    std::string longest;
    for (int i = 0; longest.size() < 256; ++i)
        longest += "k" + std::to_string(i * 7919);
    longest.resize(256);
    EXPECT_EQ(refusal(longest), "");
    EXPECT_EQ(refusal(longest + "z"), "InvalidPassword");
    EXPECT_EQ(refusal(""), "InvalidPassword");
    EXPECT_EQ(refusal("d\xc3\xa9j\xc3\xa0 vu"), "") << "bytes are counted, any may occur";
}

TEST(PasswordPolicy, RefusesWhatGuessersTryFirst) {
    for (const std::string password :
         {"password",     "Password1", "PASSWORD123!", "12345678",  "123456789",
          "1234567890",   "87654321",  "11111111",     "aaaaaaaa",  "abcdefgh",
          "qwertyuiop",   "qwerty123", "iloveyou1",    "letmein!!", "passw0rd",
          "p@ssw0rd2024", "admin123",  "testtest",     "abcd1234",  "abcd1234abcd1234",
          "hellohello",   "bluesky1"})
        EXPECT_EQ(refusal(password), "InvalidPassword") << password;
}

TEST(PasswordPolicy, TakesWhatOnlyResemblesThem) {
    for (const std::string password :
         {"password of mine", "mypassword", "12345678x9", "correct horse battery staple",
          "hunter22hunter23", "zyxwvutsr8"})
        EXPECT_EQ(refusal(password), "") << password;
}

}  // namespace
}  // namespace roost::pds
