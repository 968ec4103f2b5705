#include "pds/accounts/app_passwords.h"

#include <gtest/gtest.h>

#include "pds/limits.h"
#include "pds/testing.h"

namespace roost::pds::app_passwords {
namespace {

class AppPasswordsTest : public ::testing::Test {
  protected:
    Result<Created> make(const Account& account, std::string_view name,
                         Privilege privilege = Privilege::standard, Timestamp at = {1}) {
        return bed_.write(
            [&](db::Transaction& t) { return create(t, account.id, name, privilege, at); });
    }
    std::optional<AppPassword> look_up(const Account& account, const SecretText& password) {
        return bed_.read([&](db::Transaction& t) { return find(t, account.id, password); });
    }

    testing::TestDatabase bed_;
    Account ann_ = bed_.add_account("ann.test");
    Account bob_ = bed_.add_account("bob.test");
};

TEST_F(AppPasswordsTest, AreFourGroupsOfFourInBase32) {
    const Created made = *make(ann_, "phone");
    const std::string text = made.password.reveal();
    ASSERT_EQ(text.size(), 19U);
    for (std::size_t i = 0; i < text.size(); ++i)
        EXPECT_TRUE(i % 5 == 4
                        ? text[i] == '-'
                        : (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '2' && text[i] <= '7'))
            << text;
    EXPECT_TRUE(has_form(made.password));
    EXPECT_NE(text, make(ann_, "laptop")->password.reveal());
}

TEST_F(AppPasswordsTest, FormIsAboutGroupsOnly) {
    EXPECT_TRUE(has_form(SecretText("aaaa-bbbb-cccc-dddd")));
    for (const std::string text :
         {"", "aaaa-bbbb-cccc-ddd", "aaaa-bbbb-cccc-ddddd", "aaaabbbbccccddddeee",
          "aaaa-bbbb-cccc--ddd", "aaaa_bbbb-cccc-dddd"})
        EXPECT_FALSE(has_form(SecretText(text))) << text;
}

TEST_F(AppPasswordsTest, AreFoundWithTheirPrivilege) {
    const Created phone = *make(ann_, "phone");
    const Created chat = *make(ann_, "chat", Privilege::privileged);
    EXPECT_EQ(look_up(ann_, phone.password)->name, "phone");
    EXPECT_EQ(look_up(ann_, phone.password)->privilege, Privilege::standard);
    EXPECT_EQ(look_up(ann_, chat.password)->privilege, Privilege::privileged);
    EXPECT_FALSE(look_up(bob_, phone.password)) << "good for one account";
    EXPECT_FALSE(look_up(ann_, SecretText("aaaa-bbbb-cccc-dddd")));
}

TEST_F(AppPasswordsTest, HaveOneNameEach) {
    EXPECT_EQ(testing::name_of(make(ann_, "phone")), "");
    EXPECT_EQ(testing::name_of(make(ann_, "phone")), "InvalidRequest");
    EXPECT_EQ(testing::name_of(make(bob_, "phone")), "");
    EXPECT_EQ(testing::name_of(make(ann_, "")), "InvalidRequest");
    EXPECT_EQ(testing::name_of(make(ann_, std::string(256, 'n'))), "");
    EXPECT_EQ(testing::name_of(make(ann_, std::string(257, 'n'))), "InvalidRequest");
}

TEST_F(AppPasswordsTest, AreListedNewestFirstWithoutTheirSecret) {
    ASSERT_TRUE(make(ann_, "first", Privilege::standard, {1}));
    ASSERT_TRUE(make(ann_, "second", Privilege::privileged, {2}));
    ASSERT_TRUE(make(bob_, "other", Privilege::standard, {3}));
    const auto all = bed_.read([&](db::Transaction& t) { return list(t, ann_.id); });
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].name, "second");
    EXPECT_EQ(all[0].privilege, Privilege::privileged);
    EXPECT_EQ(all[0].created_at, Timestamp{2});
    EXPECT_EQ(all[1].name, "first");
}

TEST_F(AppPasswordsTest, RevokingIsOfOneName) {
    const Created phone = *make(ann_, "phone");
    const Created chat = *make(ann_, "chat");
    const Created of_bob = *make(bob_, "phone");
    bed_.write([&](db::Transaction& t) { revoke(t, ann_.id, "phone"); });
    EXPECT_FALSE(look_up(ann_, phone.password));
    EXPECT_TRUE(look_up(ann_, chat.password));
    EXPECT_TRUE(look_up(bob_, of_bob.password));
    bed_.write([&](db::Transaction& t) { revoke(t, ann_.id, "never was"); });
    bed_.write([&](db::Transaction& t) { revoke_all(t, ann_.id); });
    EXPECT_FALSE(look_up(ann_, chat.password));
    EXPECT_TRUE(look_up(bob_, of_bob.password));
}

TEST_F(AppPasswordsTest, AreBounded) {
    for (int i = 0; i < limits::app_passwords_per_account_max; ++i)
        ASSERT_EQ(testing::name_of(make(ann_, "n" + std::to_string(i))), "");
    EXPECT_EQ(testing::name_of(make(ann_, "one more")), "InvalidRequest");
    EXPECT_EQ(testing::name_of(make(bob_, "one more")), "");
}

}  // namespace
}  // namespace roost::pds::app_passwords
