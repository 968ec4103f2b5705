#include "pds/accounts/invites.h"

#include <gtest/gtest.h>

#include "pds/testing.h"

namespace roost::pds::invites {
namespace {

constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1'000;

class InvitesTest : public ::testing::Test {
  protected:
    void add(std::string_view code, std::int64_t uses, std::string_view for_account = admin,
             std::string_view created_by = admin, Timestamp at = {1}) {
        bed_.write([&](db::Transaction& t) {
            insert(t, code, uses, for_account, created_by, State::enabled, at);
        });
    }
    void use(std::string_view code, std::string_view did, Timestamp at = {2}) {
        bed_.write([&](db::Transaction& t) { record_use(t, code, did, at); });
    }
    std::string availability(std::string_view code) {
        return testing::name_of(
            bed_.read([&](db::Transaction& t) { return check_available(t, code); }));
    }
    std::vector<Code> codes_of(const Account& account) {
        return bed_.read([&](db::Transaction& t) { return of_account(t, account.did.text()); });
    }
    // How many codes there are after earning at that many days after the sign-up at day 100.
    std::size_t earned_at(double days, std::int64_t epoch_day, std::int64_t interval_days = 7) {
        Account account = ann_;
        account.created_at = {100 * day_ms * 1'000};
        const Timestamp at{static_cast<std::int64_t>((100 + days) * day_ms) * 1'000};
        bed_.write([&](db::Transaction& t) {
            create_earned(t, account, {interval_days * day_ms, epoch_day * day_ms}, "pds.test", at);
        });
        return codes_of(account).size();
    }

    testing::TestDatabase bed_;
    Account ann_ = bed_.add_account("ann.test");
};

TEST_F(InvitesTest, CodesNameTheHostWithoutDots) {
    const std::string code = new_code("pds.example.com");
    ASSERT_EQ(code.size(), std::string("pds-example-com-aaaaa-bbbbb").size());
    EXPECT_TRUE(code.starts_with("pds-example-com-"));
    EXPECT_EQ(code.find('.'), std::string::npos);
    EXPECT_EQ(code[code.size() - 6], '-');
    EXPECT_NE(code, new_code("pds.example.com"));
}

TEST_F(InvitesTest, ACodeIsAvailableUntilItsUsesAreGone) {
    add("two", 2);
    EXPECT_EQ(availability("two"), "");
    use("two", "did:web:a.test");
    EXPECT_EQ(availability("two"), "");
    use("two", "did:web:b.test");
    EXPECT_EQ(availability("two"), "InvalidInviteCode");
    EXPECT_EQ(availability("unknown"), "InvalidInviteCode");
    EXPECT_EQ(availability(""), "InvalidInviteCode");
    add("none", 0);
    EXPECT_EQ(availability("none"), "InvalidInviteCode");
}

TEST_F(InvitesTest, ASignUpUnderWayHoldsAUse) {
    add("one", 1);
    bed_.write([&](db::Transaction& t) {
        account_store::insert_pending(t, {.did = testing::did_of("did:web:p.test"),
                                          .handle = testing::handle_of("p.test"),
                                          .invite_code = "one",
                                          .did_key = "did:key:z",
                                          .operation = "{}"});
    });
    EXPECT_EQ(availability("one"), "InvalidInviteCode");
    bed_.execute("DELETE FROM pending_signup");
    EXPECT_EQ(availability("one"), "");
}

TEST_F(InvitesTest, DisabledCodesAreNotAvailable) {
    add("by code", 1);
    add("by account", 1, ann_.did.text());
    add("other", 1);
    const std::vector<std::string> codes{"by code", "unknown"};
    const std::vector<std::string> accounts{ann_.did.text()};
    bed_.write([&](db::Transaction& t) { disable_codes(t, codes); });
    EXPECT_EQ(availability("by code"), "InvalidInviteCode");
    EXPECT_EQ(availability("by account"), "");
    bed_.write([&](db::Transaction& t) { disable_of_accounts(t, accounts); });
    EXPECT_EQ(availability("by account"), "InvalidInviteCode");
    EXPECT_EQ(availability("other"), "");
}

TEST_F(InvitesTest, ATakenDownOwnersCodesAreNotAvailable) {
    add("hers", 1, ann_.did.text(), ann_.did.text());
    bed_.write([&](db::Transaction& t) { account_store::set_takedown(t, ann_.id, "ref"); });
    EXPECT_EQ(availability("hers"), "InvalidInviteCode");
    bed_.write([&](db::Transaction& t) { account_store::set_takedown(t, ann_.id, std::nullopt); });
    EXPECT_EQ(availability("hers"), "");
}

TEST_F(InvitesTest, TellsWhoUsedACode) {
    add("two", 2, ann_.did.text(), "admin", {5});
    use("two", "did:web:a.test", {6});
    use("two", "did:web:b.test", {7});
    const auto code = bed_.read([](db::Transaction& t) { return used_by(t, "did:web:a.test"); });
    ASSERT_TRUE(code);
    EXPECT_EQ(code->code, "two");
    EXPECT_EQ(code->available, 2);
    EXPECT_EQ(code->for_account, ann_.did.text());
    EXPECT_EQ(code->created_by, "admin");
    EXPECT_EQ(code->created_at, Timestamp{5});
    ASSERT_EQ(code->uses.size(), 2U);
    EXPECT_EQ(code->uses[0].used_by, "did:web:b.test") << "newest first";
    EXPECT_EQ(code->uses[1].used_at, Timestamp{6});
    EXPECT_FALSE(bed_.read([](db::Transaction& t) { return used_by(t, "did:web:c.test"); }));
}

TEST_F(InvitesTest, OnePersonMayComeBackWithTheSameCode) {
    add("two", 2);
    use("two", "did:web:a.test", {6});
    use("two", "did:web:a.test", {8});
    EXPECT_EQ(availability("two"), "");
}

TEST_F(InvitesTest, ACodeIsEarnedEachInterval) {
    EXPECT_EQ(earned_at(6.9, 0), 0U);
    EXPECT_EQ(earned_at(7, 0), 1U);
    EXPECT_EQ(earned_at(7, 0), 1U) << "once";
    EXPECT_EQ(earned_at(21, 0), 3U);
    EXPECT_EQ(earned_at(700, 0), 5U) << "at most five wait to be used";
}

TEST_F(InvitesTest, UsedCodesMakeRoomForMore) {
    EXPECT_EQ(earned_at(350, 0), 5U);
    for (const Code& code : codes_of(ann_))
        use(code.code, "did:web:x.test");
    EXPECT_EQ(earned_at(350, 0), 10U);
    for (const Code& code : codes_of(ann_)) {
        if (!code.uses.empty()) continue;
        EXPECT_EQ(code.available, 1);
        EXPECT_EQ(code.created_by, ann_.did.text());
        EXPECT_EQ(code.for_account, ann_.did.text());
    }
}

TEST_F(InvitesTest, OnlyIntervalsSinceTheEpochCount) {
    // Signed up at day 100, epoch at day 110: of the days 7, 14, 21 only the last two count.
    EXPECT_EQ(earned_at(13.9, 110), 0U);
    EXPECT_EQ(earned_at(14, 110), 1U);
    EXPECT_EQ(earned_at(21, 110), 2U);
}

TEST_F(InvitesTest, CodesFromBeforeTheEpochDoNotCountAgainstIt) {
    EXPECT_EQ(earned_at(14, 0), 2U);
    for (const Code& code : codes_of(ann_))
        use(code.code, "did:web:x.test");
    // A new epoch at day 120: days 21 and 28 are earned anew.
    EXPECT_EQ(earned_at(28, 120), 4U);
}

TEST_F(InvitesTest, GiftsOfTheAdministratorDoNotCount) {
    for (int i = 0; i < 7; ++i)
        add("gift" + std::to_string(i), 1, ann_.did.text());
    EXPECT_EQ(earned_at(7, 0), 8U);
}

TEST_F(InvitesTest, WhoMayNotInviteEarnsDisabledCodes) {
    ann_.invites_disabled = true;
    EXPECT_EQ(earned_at(7, 0), 1U);
    EXPECT_TRUE(codes_of(ann_)[0].is_disabled);
}

TEST_F(InvitesTest, ListsPagesInBothOrders) {
    // Two share a time, and two share a count.
    add("a", 9, admin, admin, {10});
    add("b", 9, admin, admin, {20});
    add("c", 9, admin, admin, {20});
    add("d", 9, admin, admin, {30});
    for (const auto& [code, uses] : {std::pair{"b", 3}, {"a", 1}, {"d", 1}})
        for (int i = 0; i < uses; ++i)
            use(code, "did:web:u" + std::to_string(i) + ".test");
    const auto pages = [&](Order order, std::int64_t limit) {
        std::string all;
        std::optional<std::string> cursor;
        for (int i = 0; i < 10; ++i) {
            const Page page = testing::must(
                bed_.read([&](db::Transaction& t) { return list(t, order, limit, cursor); }));
            for (const Code& code : page.codes)
                all += code.code;
            all += '|';
            cursor = page.cursor;
            if (!cursor) break;
        }
        return all;
    };
    EXPECT_EQ(pages(Order::recent, 100), "dcba|");
    EXPECT_EQ(pages(Order::usage, 100), "bdac|");
    EXPECT_EQ(pages(Order::recent, 1), "d|c|b|a||");
    EXPECT_EQ(pages(Order::usage, 1), "b|d|a|c||");
    EXPECT_EQ(pages(Order::recent, 3), "dcb|a|");
    EXPECT_EQ(pages(Order::usage, 3), "bda|c|");
}

TEST_F(InvitesTest, RefusesMalformedCursors) {
    for (const std::string cursor :
         {"", "::", "x::a", "5", "5:a", "99999999999999999999::a", "5 ::a", " 5::a", "5.0::a"})
        EXPECT_EQ(testing::name_of(bed_.read(
                      [&](db::Transaction& t) { return list(t, Order::recent, 10, cursor); })),
                  "InvalidRequest")
            << cursor;
}

}  // namespace
}  // namespace roost::pds::invites
