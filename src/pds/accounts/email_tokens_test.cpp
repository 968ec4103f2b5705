#include "pds/accounts/email_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "pds/limits.h"
#include "pds/testing.h"

namespace roost::pds::email_tokens {
namespace {

constexpr Timestamp start{1'800'000'000'000'000};

class EmailTokensTest : public ::testing::Test {
  protected:
    std::string make(const Account& account, Purpose purpose = Purpose::confirm_email,
                     Timestamp at = start) {
        return bed_.write(
            [&](db::Transaction& t) { return create(t, account.id, purpose, at)->reveal(); });
    }
    Verdict present(const Account& account, std::string_view code,
                    Purpose purpose = Purpose::confirm_email, Timestamp at = start) {
        return bed_.write(
            [&](db::Transaction& t) { return redeem(t, account.id, purpose, code, at); });
    }
    Owner owner(std::string_view code, Purpose purpose = Purpose::reset_password,
                Timestamp at = start) {
        return bed_.read([&](db::Transaction& t) { return find_owner(t, purpose, code, at); });
    }
    std::int64_t rows() { return bed_.count("SELECT count(*) FROM email_token"); }

    testing::TestDatabase bed_;
    Account ann_ = bed_.add_account("ann.test");
    Account bob_ = bed_.add_account("bob.test");
};

TEST_F(EmailTokensTest, LookLikeTheReferences) {
    std::set<std::string> seen;
    for (int i = 0; i < 50; ++i) {
        const std::string code =
            make(ann_, Purpose::confirm_email, start.plus_s(i * limits::letter_interval_s));
        ASSERT_EQ(code.size(), 11U);
        EXPECT_EQ(code[5], '-');
        for (std::size_t at = 0; at < code.size(); ++at)
            EXPECT_TRUE(at == 5 || (code[at] >= 'A' && code[at] <= 'Z') ||
                        (code[at] >= '2' && code[at] <= '7'))
                << code;
        seen.insert(code);
    }
    EXPECT_EQ(seen.size(), 50U);
}

TEST_F(EmailTokensTest, AreMadeSoOftenForEachAccountAndPurpose) {
    const auto outcome = [&](const Account& account, Purpose purpose, std::int64_t after_s) {
        return testing::name_of(bed_.write([&](db::Transaction& t) {
            return create(t, account.id, purpose, start.plus_s(after_s));
        }));
    };
    constexpr std::int64_t interval_s = limits::letter_interval_s;
    for (std::int64_t i = 0; i < limits::letters_at_once_max; ++i) {
        EXPECT_EQ(outcome(ann_, Purpose::confirm_email, 0), "");
        // What becomes of the code makes no difference.
        bed_.write([&](db::Transaction& t) { forget_all(t, ann_.id); });
    }
    EXPECT_EQ(outcome(ann_, Purpose::confirm_email, 0), "RateLimitExceeded");
    EXPECT_EQ(outcome(ann_, Purpose::confirm_email, interval_s - 1), "RateLimitExceeded");
    EXPECT_EQ(rows(), 0);
    EXPECT_EQ(outcome(ann_, Purpose::update_email, 0), "");
    EXPECT_EQ(outcome(bob_, Purpose::confirm_email, 0), "");
    EXPECT_EQ(outcome(ann_, Purpose::confirm_email, interval_s), "") << "refusals cost nothing";
    EXPECT_EQ(outcome(ann_, Purpose::confirm_email, interval_s), "RateLimitExceeded");
    const Result<SecretText> refused = bed_.write([&](db::Transaction& t) {
        return create(t, ann_.id, Purpose::confirm_email, start.plus_s(2 * interval_s - 60));
    });
    EXPECT_EQ(refused.error().fault, Fault::rate_limited);
    EXPECT_NEAR(refused.error().retry_after_s, 60, 1);
}

TEST_F(EmailTokensTest, AreGoodOnceInAnyCase) {
    std::string code = make(ann_);
    std::ranges::transform(code, code.begin(), [](unsigned char c) { return std::tolower(c); });
    EXPECT_EQ(present(ann_, code), Verdict::valid);
    EXPECT_EQ(present(ann_, code), Verdict::invalid);
    EXPECT_EQ(rows(), 0);
}

TEST_F(EmailTokensTest, AreBoundToAccountAndPurpose) {
    const std::string code = make(ann_);
    make(bob_);
    make(ann_, Purpose::delete_account);
    EXPECT_EQ(present(bob_, code), Verdict::invalid);
    EXPECT_EQ(present(ann_, code, Purpose::delete_account), Verdict::invalid);
    EXPECT_EQ(present(ann_, code, Purpose::sign_in), Verdict::invalid);
    EXPECT_EQ(present(ann_, code), Verdict::valid);
}

TEST_F(EmailTokensTest, ExpireAfterAQuarterOfAnHour) {
    const std::string code = make(ann_);
    const Timestamp end = start.plus_s(15 * 60);
    EXPECT_EQ(present(ann_, code, Purpose::confirm_email, {end.us + 1}), Verdict::expired);
    EXPECT_EQ(present(ann_, code, Purpose::confirm_email, end), Verdict::valid);
}

TEST_F(EmailTokensTest, FiveWrongTriesEndThem) {
    const std::string code = make(ann_);
    for (int i = 0; i < limits::email_token_wrong_tries_max - 1; ++i)
        EXPECT_EQ(present(ann_, "WRONG-GUESS"), Verdict::invalid);
    EXPECT_EQ(rows(), 1);
    EXPECT_EQ(present(ann_, "WRONG-GUESS"), Verdict::invalid);
    EXPECT_EQ(present(ann_, code), Verdict::invalid);
    EXPECT_EQ(rows(), 0);
}

TEST_F(EmailTokensTest, FourWrongTriesDoNot) {
    const std::string code = make(ann_);
    for (int i = 0; i < 4; ++i)
        present(ann_, i % 2 == 0 ? "" : "WRONG-GUESS");
    EXPECT_EQ(present(ann_, code), Verdict::valid);
}

TEST_F(EmailTokensTest, AskingAgainReplacesTheCodeAndItsTries) {
    const std::string first = make(ann_);
    for (int i = 0; i < 4; ++i)
        present(ann_, "WRONG-GUESS");
    const std::string second = make(ann_, Purpose::confirm_email, start.plus_s(600));
    EXPECT_EQ(present(ann_, first), Verdict::invalid);
    for (int i = 0; i < 3; ++i)
        present(ann_, "WRONG-GUESS");
    EXPECT_EQ(present(ann_, second, Purpose::confirm_email, start.plus_s(1'400)), Verdict::valid);
}

TEST_F(EmailTokensTest, TellWhoseTheyAre) {
    const std::string code = make(ann_, Purpose::reset_password);
    make(bob_, Purpose::reset_password);
    EXPECT_EQ(owner(code).verdict, Verdict::valid);
    EXPECT_EQ(owner(code).account_id, ann_.id);
    EXPECT_EQ(owner(code).verdict, Verdict::valid) << "looking does not use it up";
    EXPECT_EQ(owner(code, Purpose::confirm_email).verdict, Verdict::invalid);
    EXPECT_EQ(owner("WRONG-GUESS").verdict, Verdict::invalid);
    EXPECT_EQ(owner(code, Purpose::reset_password, start.plus_s(901)).verdict, Verdict::expired);
    bed_.write([&](db::Transaction& t) { forget(t, ann_.id, Purpose::reset_password); });
    EXPECT_EQ(owner(code).verdict, Verdict::invalid);
    EXPECT_EQ(rows(), 1) << "bob's stays";
}

TEST_F(EmailTokensTest, AreNotStoredInTheClear) {
    const std::string code = make(ann_);
    bed_.read([&](db::Transaction& t) {
        db::Rows row = t.select("SELECT token_hash FROM email_token");
        ASSERT_TRUE(row.next());
        EXPECT_EQ(row.bytes(0).size(), 32U);
        EXPECT_EQ(as_text(row.bytes(0)).find(code.substr(0, 5)), std::string_view::npos);
    });
}

TEST_F(EmailTokensTest, ForgetAllIsOfOneAccount) {
    make(ann_);
    make(ann_, Purpose::sign_in);
    const std::string of_bob = make(bob_);
    bed_.write([&](db::Transaction& t) { forget_all(t, ann_.id); });
    EXPECT_EQ(rows(), 1);
    EXPECT_EQ(present(bob_, of_bob), Verdict::valid);
}

TEST_F(EmailTokensTest, VerdictsHaveTheirErrors) {
    EXPECT_EQ(testing::name_of(to_result(Verdict::valid)), "");
    EXPECT_EQ(testing::name_of(to_result(Verdict::invalid)), "InvalidToken");
    EXPECT_EQ(testing::name_of(to_result(Verdict::expired)), "ExpiredToken");
}

}  // namespace
}  // namespace roost::pds::email_tokens
