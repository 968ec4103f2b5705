#include "pds/accounts/passwords.h"

#include <gtest/gtest.h>

#include <set>

#include "pds/accounts/sessions.h"
#include "pds/limits.h"
#include "pds/testing_mail.h"

namespace roost::pds {
namespace {

using testing::name_of;

class PasswordsTest : public ::testing::Test {
  protected:
    std::string request_reset(std::string email) {
        return name_of(bed_.loop.run(passwords_.request_reset(std::move(email))));
    }
    std::string reset(std::string code, std::string password = "a new password") {
        return name_of(
            bed_.loop.run(passwords_.reset(std::move(code), SecretText(std::move(password)))));
    }
    std::string mailed() {
        return mail_.code_sent_to("ann@example.org", mail::LetterKind::reset_password);
    }
    std::string stored_hash(const Account& account) {
        return *bed_.read(
            [&](db::Transaction& t) { return account_store::password_hash(t, account.id); });
    }

    testing::TestDatabase bed_;
    testing::TestMail mail_{bed_};
    HashPool hashes_{1};
    Tokens tokens_{SecretText("a secret of the test"), testing::did_of("did:web:pds.test")};
    Sessions sessions_{bed_.db(), tokens_};
    Passwords passwords_{bed_.db(), hashes_, mail_.queue()};
    Account ann_ = bed_.add_account("ann.test");
    Account bob_ = bed_.add_account("bob.test");
};

TEST_F(PasswordsTest, TellsNobodyWhichAddressesAreKnown) {
    EXPECT_EQ(request_reset("nobody@example.org"), "");
    EXPECT_EQ(request_reset("not an address"), "");
    EXPECT_EQ(mail_.count(), 0);
    EXPECT_EQ(request_reset("Ann@Example.org"), "");
    EXPECT_EQ(mail_.count(), 1);
}

TEST_F(PasswordsTest, TooManyLettersAreNotSentAndNobodyIsTold) {
    for (std::int64_t i = 0; i < limits::letters_at_once_max; ++i)
        EXPECT_EQ(request_reset("ann@example.org"), "");
    const std::int64_t latest = bed_.count("SELECT requested_at FROM email_token");
    EXPECT_EQ(request_reset("ann@example.org"), "");
    EXPECT_EQ(bed_.count("SELECT requested_at FROM email_token"), latest)
        << "the latest code is still good";
}

TEST_F(PasswordsTest, AResetEndsEverySessionAndTheCode) {
    const auto open = [&](const Account& account) {
        return bed_.write([&](db::Transaction& t) {
            return sessions_.open(t, account, Scope::access, std::nullopt, now());
        });
    };
    const TokenPair of_ann = open(ann_);
    const TokenPair of_bob = open(bob_);
    ASSERT_EQ(request_reset("ann@example.org"), "");
    const std::string code = mailed();
    EXPECT_EQ(reset(code), "");
    EXPECT_EQ(verify_password(SecretText("a new password"), stored_hash(ann_)), PasswordMatch::yes);
    EXPECT_EQ(stored_hash(bob_), "no hash");
    EXPECT_EQ(name_of(bed_.loop.run(sessions_.authenticate(of_ann.access_jwt, now()))),
              "ExpiredToken");
    EXPECT_TRUE(bed_.loop.run(sessions_.authenticate(of_bob.access_jwt, now())).has_value());
    EXPECT_EQ(reset(code), "InvalidToken") << "good once";
}

TEST_F(PasswordsTest, RefusesWrongExpiredAndForeignCodes) {
    ASSERT_EQ(request_reset("ann@example.org"), "");
    const std::string code = mailed();
    EXPECT_EQ(reset("AAAAA-AAAAA"), "InvalidToken");
    EXPECT_EQ(reset(""), "InvalidToken");
    bed_.execute("UPDATE email_token SET purpose = 'confirm_email'");
    EXPECT_EQ(reset(code), "InvalidToken");
    bed_.execute(
        "UPDATE email_token SET purpose = 'reset_password', requested_at = requested_at - "
        "901000000");
    EXPECT_EQ(reset(code), "ExpiredToken");
    EXPECT_EQ(stored_hash(ann_), "no hash");
}

TEST_F(PasswordsTest, AWeakPasswordDoesNotUseTheCode) {
    ASSERT_EQ(request_reset("ann@example.org"), "");
    const std::string code = mailed();
    EXPECT_EQ(reset(code, "password"), "InvalidPassword");
    EXPECT_EQ(reset(code), "");
}

Task<void> reset_into(Passwords& passwords, std::string code, std::string& outcome) {
    outcome = name_of(co_await passwords.reset(std::move(code), SecretText("a new password")));
}

TEST_F(PasswordsTest, OneOfTwoResetsAtOnceWins) {
    ASSERT_EQ(request_reset("ann@example.org"), "");
    std::string first;
    std::string second;
    const std::string code = mailed();
    std::vector<Task<void>> tasks;
    tasks.push_back(reset_into(passwords_, code, first));
    tasks.push_back(reset_into(passwords_, code, second));
    db::testing::run_all(bed_.loop, std::move(tasks));
    EXPECT_EQ(std::set({first, second}), (std::set<std::string>{"", "InvalidToken"}));
}

TEST_F(PasswordsTest, WithoutMailNobodyIsPromisedALetter) {
    testing::TestMail no_mail(bed_, mail::Delivery::refused);
    Passwords passwords(bed_.db(), hashes_, no_mail.queue());
    for (const std::string email : {"ann@example.org", "nobody@example.org"})
        EXPECT_EQ(name_of(bed_.loop.run(passwords.request_reset(email))), "MailUnavailable");
}

}  // namespace
}  // namespace roost::pds
