#include "pds/accounts/emails.h"

#include <gtest/gtest.h>

#include "pds/limits.h"
#include "pds/testing_mail.h"

namespace roost::pds {
namespace {

using testing::name_of;

class EmailsTest : public ::testing::Test {
  protected:
    Account ann() { return *bed_.account(ann_id_); }
    std::string confirm(std::string email, std::string code) {
        return name_of(bed_.loop.run(emails_.confirm(ann(), std::move(email), std::move(code))));
    }
    std::string update(Emails::Update wanted) {
        return name_of(bed_.loop.run(emails_.update(ann(), std::move(wanted))));
    }
    std::string mailed(mail::LetterKind kind) {
        return mail_.code_sent_to("ann@example.org", kind);
    }
    void confirm_now() {
        bed_.write(
            [&](db::Transaction& t) { account_store::set_email_confirmed(t, ann_id_, {5}); });
    }

    testing::TestDatabase bed_;
    testing::TestMail mail_{bed_};
    Emails emails_{bed_.db(), mail_.queue()};
    std::int64_t ann_id_ = bed_.add_account("ann.test").id;
};

TEST_F(EmailsTest, ConfirmsTheAddressThatTheCodeWasSentTo) {
    ASSERT_TRUE(bed_.loop.run(emails_.request_confirmation(ann())).has_value());
    const std::string code = mailed(mail::LetterKind::confirm_email);
    EXPECT_EQ(confirm("other@example.org", code), "InvalidEmail");
    EXPECT_EQ(confirm("ann@example.org", "AAAAA-AAAAA"), "InvalidToken");
    EXPECT_FALSE(ann().email_confirmed_at);
    EXPECT_EQ(confirm("Ann@example.org", code), "");
    EXPECT_TRUE(ann().email_confirmed_at);
    EXPECT_EQ(confirm("ann@example.org", code), "InvalidToken");
}

TEST_F(EmailsTest, FiveWrongCodesEndTheRightOne) {
    ASSERT_TRUE(bed_.loop.run(emails_.request_confirmation(ann())).has_value());
    const std::string code = mailed(mail::LetterKind::confirm_email);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(confirm("ann@example.org", "AAAAA-AAAAA"), "InvalidToken");
    EXPECT_EQ(confirm("ann@example.org", code), "InvalidToken");
    EXPECT_FALSE(ann().email_confirmed_at);
}

TEST_F(EmailsTest, CodesExpire) {
    ASSERT_TRUE(bed_.loop.run(emails_.request_confirmation(ann())).has_value());
    const std::string code = mailed(mail::LetterKind::confirm_email);
    bed_.execute("UPDATE email_token SET requested_at = requested_at - 901000000");
    EXPECT_EQ(confirm("ann@example.org", code), "ExpiredToken");
}

TEST_F(EmailsTest, AnUnconfirmedAddressIsLeftWithoutACode) {
    EXPECT_EQ(*bed_.loop.run(emails_.request_update(ann())), TokenNeeded::no);
    EXPECT_EQ(mail_.count(), 0);
    EXPECT_EQ(update({.email = "New@Example.org"}), "");
    EXPECT_EQ(ann().email, "new@example.org");
    EXPECT_FALSE(ann().email_confirmed_at);
}

TEST_F(EmailsTest, AConfirmedAddressIsLeftOnlyWithItsCode) {
    confirm_now();
    EXPECT_EQ(*bed_.loop.run(emails_.request_update(ann())), TokenNeeded::yes);
    const std::string code = mailed(mail::LetterKind::update_email);
    EXPECT_EQ(update({.email = "new@example.org"}), "TokenRequired");
    EXPECT_EQ(update({.email = "new@example.org", .code = "AAAAA-AAAAA"}), "InvalidToken");
    EXPECT_EQ(ann().email, "ann@example.org");
    EXPECT_EQ(update({.email = "new@example.org", .code = code}), "");
    EXPECT_EQ(ann().email, "new@example.org");
    EXPECT_FALSE(ann().email_confirmed_at) << "the new one proves itself";
}

TEST_F(EmailsTest, CodesOfTheOldAddressEndWithIt) {
    ASSERT_TRUE(bed_.loop.run(emails_.request_confirmation(ann())).has_value());
    const std::string code = mailed(mail::LetterKind::confirm_email);
    ASSERT_EQ(update({.email = "new@example.org"}), "");
    EXPECT_EQ(confirm("new@example.org", code), "InvalidToken");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM email_token"), 0);
}

TEST_F(EmailsTest, RefusesWhatIsTakenOrNoAddress) {
    bed_.add_account("bob.test");
    EXPECT_EQ(update({.email = "BOB@example.org"}), "InvalidRequest");
    for (const std::string email :
         {"", "ann", "ann@", "@example.org", "a@b@c.org", "ann@example.org\r\nBcc: x@example.org",
          "Ann <ann@example.org>", "ann@example.org,eve@example.org"})
        EXPECT_EQ(update({.email = email}), "InvalidRequest") << email;
    EXPECT_EQ(ann().email, "ann@example.org");
    EXPECT_EQ(update({.email = "ann@example.org"}), "") << "one's own is no conflict";
}

TEST_F(EmailsTest, OnlyAConfirmedAddressIsASecondFactor) {
    EXPECT_EQ(update({.email = "ann@example.org", .auth_factor = true}), "InvalidRequest");
    confirm_now();
    EXPECT_EQ(update({.email = "ann@example.org", .auth_factor = true}), "TokenRequired");
    ASSERT_TRUE(bed_.loop.run(emails_.request_update(ann())).has_value());
    const std::string code = mailed(mail::LetterKind::update_email);
    EXPECT_EQ(update({.email = "new@example.org", .auth_factor = true, .code = code}),
              "InvalidRequest")
        << "not together with a change";
    EXPECT_EQ(update({.email = "ann@example.org", .auth_factor = true, .code = code}), "");
    EXPECT_TRUE(ann().email_auth_factor);
    EXPECT_TRUE(ann().email_confirmed_at);
}

TEST_F(EmailsTest, TooManyLettersAreRefused) {
    const auto ask = [&] { return bed_.loop.run(emails_.request_deletion(ann())); };
    for (std::int64_t i = 0; i < limits::letters_at_once_max; ++i)
        EXPECT_TRUE(ask().has_value());
    EXPECT_EQ(name_of(ask()), "RateLimitExceeded");
    EXPECT_EQ(ask().error().fault, Fault::rate_limited);
    EXPECT_TRUE(bed_.loop.run(emails_.request_confirmation(ann())).has_value());
}

TEST_F(EmailsTest, LettersNeedAnAddressAndAMailServer) {
    Account nobody = ann();
    nobody.email = std::nullopt;
    EXPECT_EQ(name_of(bed_.loop.run(emails_.request_confirmation(nobody))), "InvalidRequest");
    EXPECT_EQ(name_of(bed_.loop.run(emails_.request_update(nobody))), "InvalidRequest");
    testing::TestMail no_mail(bed_, mail::Delivery::refused);
    Emails emails(bed_.db(), no_mail.queue());
    EXPECT_EQ(name_of(bed_.loop.run(emails.request_confirmation(ann()))), "MailUnavailable");
    EXPECT_EQ(name_of(bed_.loop.run(emails.request_deletion(ann()))), "MailUnavailable");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM email_token"), 0);
}

}  // namespace
}  // namespace roost::pds
