#include "pds/accounts/log_in.h"

#include <gtest/gtest.h>

#include "pds/accounts/app_passwords.h"
#include "pds/accounts/email_tokens.h"
#include "pds/limits.h"
#include "pds/testing_mail.h"

namespace roost::pds {
namespace {

using testing::name_of;

// Hashing is slow: one hash of "correct horse" for all tests.
const std::string& known_hash() {
    static const std::string hash = hash_password(SecretText("correct horse"));
    return hash;
}
// The same password, hashed by the reference server (node's crypto.scrypt).
constexpr std::string_view reference_hash =
    "000102030405060708090a0b0c0d0e0f:"
    "5840f2841249294a51f654db7224551cfcf1600bc79b5f32f5e2dd856ce221fc"
    "4f1ff6dad64b9fab6d4fb8f13bdd8bea4db17fbf92c730afd5eaee0cc42249af";

class LogInTest : public ::testing::Test {
  protected:
    static LogInRequest request(std::string identifier, std::string password = "correct horse") {
        return {.identifier = std::move(identifier), .password = SecretText(std::move(password))};
    }
    Result<LogIn::Done> log_in(LogInRequest wanted) {
        return bed_.loop.run(log_in_.log_in(std::move(wanted)));
    }
    std::string outcome(LogInRequest wanted) { return name_of(log_in(std::move(wanted))); }
    std::string new_app_password(app_passwords::Privilege privilege) {
        return bed_
            .write([&](db::Transaction& t) {
                return app_passwords::create(t, ann_.id, "phone", privilege, now());
            })
            ->password.reveal();
    }
    void take_down() {
        bed_.write([&](db::Transaction& t) { account_store::set_takedown(t, ann_.id, "ref"); });
    }
    Authenticated caller_of(const LogIn::Done& done) {
        return *testing::must(bed_.loop.run(sessions_.authenticate(done.tokens.access_jwt, now())));
    }

    testing::TestDatabase bed_;
    testing::TestMail mail_{bed_};
    HashPool hashes_{1};
    Tokens tokens_{SecretText("a secret of the test"), testing::did_of("did:web:pds.test")};
    Sessions sessions_{bed_.db(), tokens_};
    LogIn log_in_{bed_.db(), hashes_, sessions_, mail_.queue()};
    Account ann_ = bed_.add_account("ann.test", "", known_hash());
};

TEST_F(LogInTest, TakesHandleDidAndAddress) {
    for (const std::string& identifier :
         {std::string("ann.test"), std::string("ANN.Test"), ann_.did.text(),
          std::string("ann@example.org"), std::string("Ann@Example.ORG")}) {
        const auto done = log_in(request(identifier));
        ASSERT_TRUE(done.has_value()) << identifier;
        EXPECT_EQ(done->account.id, ann_.id);
        EXPECT_EQ(caller_of(*done).scope, Scope::access);
    }
}

TEST_F(LogInTest, OneAnswerForUnknownAndWrong) {
    const Account no_password = bed_.add_account("none.test", "", std::nullopt);
    const auto wrong = log_in(request("ann.test", "wrong horse"));
    ASSERT_FALSE(wrong.has_value());
    EXPECT_EQ(wrong.error().fault, Fault::unauthenticated);
    EXPECT_EQ(wrong.error().name, "AuthenticationRequired");
    for (const std::string identifier :
         {"bob.test", "bob@example.org", "did:plc:zzzzzzzzzzzzzzzzzzzzzzzz", "none.test", "", "@",
          "did:", "' OR 1=1 --", "ann.test "}) {
        const auto unknown = log_in(request(identifier));
        ASSERT_FALSE(unknown.has_value()) << identifier;
        EXPECT_EQ(unknown.error(), wrong.error()) << identifier;
    }
    EXPECT_EQ(bed_.count("SELECT count(*) FROM session"), 0);
}

TEST_F(LogInTest, ATakedownIsToldOnlyToWhoKnowsThePassword) {
    take_down();
    EXPECT_EQ(outcome(request("ann.test", "wrong horse")), "AuthenticationRequired");
    EXPECT_EQ(outcome(request("ann.test")), "AccountTakedown");
    LogInRequest narrow = request("ann.test");
    narrow.takendown = TakendownLogIn::narrow_scope;
    const auto done = log_in(narrow);
    ASSERT_TRUE(done.has_value());
    EXPECT_EQ(caller_of(*done).scope, Scope::takendown);
}

TEST_F(LogInTest, RefusesOverlongPasswordsUnhashed) {
    EXPECT_EQ(outcome(request("ann.test", std::string(limits::old_password_bytes_max + 1, 'x'))),
              "AuthenticationRequired");
    EXPECT_FALSE(*bed_.loop.run(log_in_.is_account_password(
        ann_, SecretText(std::string(limits::old_password_bytes_max + 1, 'x')))));
}

TEST_F(LogInTest, AppPasswordsOpenNarrowSessions) {
    const std::string standard = new_app_password(app_passwords::Privilege::standard);
    const auto done = log_in(request("ann.test", standard));
    ASSERT_TRUE(done.has_value());
    EXPECT_EQ(caller_of(*done).scope, Scope::app_pass);
    EXPECT_FALSE(*bed_.loop.run(log_in_.is_account_password(ann_, SecretText(standard))));
    bed_.write([&](db::Transaction& t) { app_passwords::revoke(t, ann_.id, "phone"); });
    EXPECT_EQ(outcome(request("ann.test", standard)), "AuthenticationRequired");
    const std::string privileged = new_app_password(app_passwords::Privilege::privileged);
    EXPECT_EQ(caller_of(*log_in(request("ann.test", privileged))).scope,
              Scope::app_pass_privileged);
}

TEST_F(LogInTest, AppPasswordsAreNoWayAroundATakedown) {
    const std::string password = new_app_password(app_passwords::Privilege::privileged);
    take_down();
    LogInRequest narrow = request("ann.test", password);
    narrow.takendown = TakendownLogIn::narrow_scope;
    EXPECT_EQ(outcome(narrow), "AuthenticationRequired");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM session"), 0);
}

TEST_F(LogInTest, AnAppPasswordIsGoodForItsAccountOnly) {
    const std::string password = new_app_password(app_passwords::Privilege::standard);
    bed_.add_account("bob.test", "", known_hash());
    EXPECT_EQ(outcome(request("bob.test", password)), "AuthenticationRequired");
}

TEST_F(LogInTest, RehashesTheReferencesHashes) {
    bed_.write(
        [&](db::Transaction& t) { account_store::set_password_hash(t, ann_.id, reference_hash); });
    EXPECT_EQ(outcome(request("ann.test", "wrong horse")), "AuthenticationRequired");
    EXPECT_EQ(outcome(request("ann.test")), "");
    const std::string hash =
        *bed_.read([&](db::Transaction& t) { return account_store::password_hash(t, ann_.id); });
    EXPECT_EQ(verify_password(SecretText("correct horse"), hash), PasswordMatch::yes);
    EXPECT_EQ(outcome(request("ann.test")), "");
}

Task<void> log_in_into(LogIn& log_in, LogInRequest request, std::string& outcome) {
    outcome = name_of(co_await log_in.log_in(std::move(request)));
}
Task<void> until_set(const std::string& outcome) {
    for (int i = 0; i < 10'000 && outcome == "none"; ++i)
        co_await sleep_ms(1);
}

TEST_F(LogInTest, AResetWhileThePasswordIsVerifiedWins) {
    std::string outcome = "none";
    // Runs up to the hash pool; what it knows then is no longer so when it opens the session.
    start_detached(log_in_into(log_in_, request("ann.test"), outcome));
    bed_.write([&](db::Transaction& t) {
        account_store::set_password_hash(t, ann_.id, "the new one");
        Sessions::close_all(t, ann_.id);
    });
    bed_.loop.run(until_set(outcome));
    EXPECT_EQ(outcome, "AuthenticationRequired");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM session"), 0);
}

TEST_F(LogInTest, ATakedownWhileThePasswordIsVerifiedWins) {
    std::string outcome = "none";
    start_detached(log_in_into(log_in_, request("ann.test"), outcome));
    take_down();
    bed_.loop.run(until_set(outcome));
    EXPECT_EQ(outcome, "AccountTakedown");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM session"), 0);
}

TEST_F(LogInTest, HandleAndDidAreOneNameToGuessAt) {
    const auto guess = [&](const std::string& identifier, std::string client) {
        LogInRequest wanted = request(identifier, "wrong horse");
        wanted.client = std::move(client);
        return outcome(wanted);
    };
    const auto time_ms = [&](const std::string& identifier) {
        const std::int64_t before = monotonic_us();
        EXPECT_EQ(guess(identifier, "203.0.113.1"), "AuthenticationRequired");
        return (monotonic_us() - before) / 1'000;
    };
    for (std::int64_t i = 0; i <= limits::log_in_failures_free + 2; ++i)
        EXPECT_EQ(guess(i % 2 == 0 ? "ann.test" : ann_.did.text(), "198.51.100.7"),
                  "AuthenticationRequired");
    EXPECT_GE(time_ms("ann.test"), 3 * limits::log_in_delay_step_ms);
    EXPECT_GE(time_ms(ann_.did.text()), 4 * limits::log_in_delay_step_ms);
    // Else it would tell whose address it is.
    EXPECT_LT(time_ms("ann@example.org"), 3 * limits::log_in_delay_step_ms);
}

class SecondFactorTest : public LogInTest {
  protected:
    SecondFactorTest() {
        bed_.write(
            [&](db::Transaction& t) { account_store::set_email_auth_factor(t, ann_.id, true); });
    }
    static LogInRequest with_code(const std::string& code) {
        LogInRequest wanted = request("ann.test");
        wanted.auth_factor_token = code;
        return wanted;
    }
    std::string mailed() {
        return mail_.code_sent_to("ann@example.org", mail::LetterKind::sign_in_code);
    }
};

TEST_F(SecondFactorTest, AsksForTheCodeItMailed) {
    EXPECT_EQ(outcome(request("ann.test", "wrong horse")), "AuthenticationRequired");
    EXPECT_EQ(mail_.count(), 0) << "no mail without the password";
    EXPECT_EQ(outcome(request("ann.test")), "AuthFactorTokenRequired");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM session"), 0);
    const std::string code = mailed();
    EXPECT_EQ(outcome(with_code("AAAAA-AAAAA")), "InvalidToken");
    EXPECT_EQ(outcome(with_code(code)), "");
    EXPECT_EQ(outcome(with_code(code)), "InvalidToken") << "good once";
    EXPECT_EQ(bed_.count("SELECT count(*) FROM session"), 1);
}

TEST_F(SecondFactorTest, ACodeDoesNotReplaceThePassword) {
    ASSERT_EQ(outcome(request("ann.test")), "AuthFactorTokenRequired");
    LogInRequest wanted = with_code(mailed());
    wanted.password = SecretText("wrong horse");
    EXPECT_EQ(outcome(wanted), "AuthenticationRequired");
}

TEST_F(SecondFactorTest, CodesExpireAndFiveWrongTriesEndThem) {
    ASSERT_EQ(outcome(request("ann.test")), "AuthFactorTokenRequired");
    const std::string code = mailed();
    bed_.execute("UPDATE email_token SET requested_at = requested_at - 901000000");
    EXPECT_EQ(outcome(with_code(code)), "ExpiredToken");
    bed_.execute("UPDATE email_token SET requested_at = requested_at + 901000000, wrong_tries = 4");
    EXPECT_EQ(outcome(with_code("AAAAA-AAAAA")), "InvalidToken");
    EXPECT_EQ(outcome(with_code(code)), "InvalidToken");
}

TEST_F(SecondFactorTest, AppPasswordsNeedNoCode) {
    const std::string password = new_app_password(app_passwords::Privilege::standard);
    EXPECT_EQ(outcome(request("ann.test", password)), "");
}

TEST_F(SecondFactorTest, WithoutMailItSaysSo) {
    testing::TestMail no_mail(bed_, mail::Delivery::refused);
    LogIn log_in(bed_.db(), hashes_, sessions_, no_mail.queue());
    const auto refused = bed_.loop.run(log_in.log_in(request("ann.test")));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, Fault::not_implemented);
}

}  // namespace
}  // namespace roost::pds
