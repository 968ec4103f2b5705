#include "pds/accounts/sessions.h"

#include <gtest/gtest.h>

#include <set>

#include "pds/accounts/app_passwords.h"
#include "pds/accounts/session_store.h"
#include "pds/limits.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

constexpr Timestamp start{1'800'000'000'400'000};  // not a whole second

class SessionsTest : public ::testing::Test {
  protected:
    TokenPair open(const Account& account, Timestamp at = start, Scope scope = Scope::access,
                   const std::optional<std::string>& app_password = std::nullopt) {
        return bed_.write([&](db::Transaction& t) {
            return sessions_.open(t, account, scope, app_password, at);
        });
    }
    RefreshClaims claims_of(const std::string& refresh_jwt) {
        return testing::must(tokens_.read_refresh(refresh_jwt, start, Expiry::enforced));
    }
    Result<Refreshed> refresh(const std::string& refresh_jwt, Timestamp at) {
        return bed_.loop.run(sessions_.refresh(claims_of(refresh_jwt), at));
    }
    Result<Authenticated> authenticate(const std::string& access_jwt, Timestamp at = start) {
        return *TRY(bed_.loop.run(sessions_.authenticate(access_jwt, at)));
    }
    std::int64_t rows() { return bed_.count("SELECT count(*) FROM session"); }

    testing::TestDatabase bed_;
    Tokens tokens_{SecretText("a secret of the test"), testing::did_of("did:web:pds.test")};
    Sessions sessions_{bed_.db(), tokens_};
    Account ann_ = bed_.add_account("ann.test");
};

TEST_F(SessionsTest, AnAccessTokenSpeaksForItsAccountAsItIsNow) {
    const TokenPair tokens = open(ann_);
    const auto caller = authenticate(tokens.access_jwt);
    ASSERT_TRUE(caller.has_value());
    EXPECT_EQ(caller->account.did, ann_.did);
    EXPECT_EQ(caller->scope, Scope::access);
    bed_.write([&](db::Transaction& t) {
        account_store::set_deactivated(t, ann_.id, Timestamp{1}, std::nullopt);
    });
    EXPECT_EQ(authenticate(tokens.access_jwt)->account.status(), AccountStatus::deactivated);
}

TEST_F(SessionsTest, AnAccessTokenEndsWithItsSession) {
    const TokenPair first = open(ann_);
    const TokenPair second = open(ann_);
    ASSERT_TRUE(bed_.loop.run(sessions_.close(claims_of(first.refresh_jwt))).has_value());
    EXPECT_EQ(testing::name_of(authenticate(first.access_jwt)), "ExpiredToken");
    EXPECT_EQ(testing::name_of(refresh(first.refresh_jwt, start)), "ExpiredToken");
    EXPECT_TRUE(authenticate(second.access_jwt).has_value());
    EXPECT_TRUE(bed_.loop.run(sessions_.close(claims_of(first.refresh_jwt))).has_value())
        << "ending it twice is no error";
}

TEST_F(SessionsTest, AnAccessTokenExpiresAfterTwoHours) {
    const TokenPair tokens = open(ann_);
    const Timestamp issued{start.seconds() * 1'000'000};
    EXPECT_TRUE(authenticate(tokens.access_jwt, issued.plus_s(2 * 60 * 60 - 1)).has_value());
    EXPECT_EQ(testing::name_of(authenticate(tokens.access_jwt, issued.plus_s(2 * 60 * 60))),
              "ExpiredToken");
}

TEST_F(SessionsTest, ASessionOfAnotherAccountIsNone) {
    const Account bob = bed_.add_account("bob.test");
    const TokenPair of_bob = open(bob);
    const std::string mixed =
        tokens_.access({ann_.did, claims_of(of_bob.refresh_jwt).session_id, Scope::access}, start);
    EXPECT_EQ(testing::name_of(authenticate(mixed)), "ExpiredToken");
    RefreshClaims claims = claims_of(of_bob.refresh_jwt);
    claims.did = ann_.did;
    EXPECT_EQ(testing::name_of(bed_.loop.run(sessions_.refresh(claims, start))), "ExpiredToken");
    EXPECT_TRUE(authenticate(of_bob.access_jwt).has_value());
}

TEST_F(SessionsTest, RotatesAndGivesTheSameSuccessorToTheLetterFor60Seconds) {
    const TokenPair first = open(ann_);
    const auto second = refresh(first.refresh_jwt, start.plus_s(100));
    ASSERT_TRUE(second.has_value());
    EXPECT_NE(second->tokens.refresh_jwt, first.refresh_jwt);
    const auto again = refresh(first.refresh_jwt, start.plus_s(160));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->tokens.refresh_jwt, second->tokens.refresh_jwt);
    EXPECT_TRUE(authenticate(again->tokens.access_jwt, start.plus_s(160)).has_value());
    EXPECT_TRUE(authenticate(first.access_jwt, start.plus_s(160)).has_value())
        << "the access token before a rotation is still good";
    const RefreshClaims claims = claims_of(second->tokens.refresh_jwt);
    EXPECT_EQ(claims.session_id, claims_of(first.refresh_jwt).session_id);
}

TEST_F(SessionsTest, AReuseAfterTheGraceEndsTheWholeChain) {
    const TokenPair first = open(ann_);
    const auto second = refresh(first.refresh_jwt, start);
    ASSERT_TRUE(second.has_value());
    const auto reuse = refresh(first.refresh_jwt, start.plus_s(60).plus_ms(1));
    EXPECT_EQ(testing::name_of(reuse), "ExpiredToken");
    EXPECT_EQ(rows(), 0) << "the end of the chain is committed";
    EXPECT_EQ(testing::name_of(refresh(second->tokens.refresh_jwt, start)), "ExpiredToken");
    EXPECT_EQ(testing::name_of(authenticate(second->tokens.access_jwt)), "ExpiredToken");
}

TEST_F(SessionsTest, AnOlderTokenOfTheChainEndsItEvenWithinTheGrace) {
    const TokenPair first = open(ann_);
    const auto second = refresh(first.refresh_jwt, start);
    const auto third = refresh(second->tokens.refresh_jwt, start.plus_s(1));
    ASSERT_TRUE(third.has_value());
    EXPECT_EQ(testing::name_of(refresh(first.refresh_jwt, start.plus_s(2))), "ExpiredToken");
    EXPECT_EQ(testing::name_of(refresh(third->tokens.refresh_jwt, start.plus_s(3))),
              "ExpiredToken");
}

Task<void> refresh_into(const Sessions& sessions, RefreshClaims claims,
                        std::multiset<std::string>& successors) {
    const auto refreshed = co_await sessions.refresh(std::move(claims), start);
    successors.insert(refreshed.has_value() ? refreshed->tokens.refresh_jwt : "refused");
}

TEST_F(SessionsTest, TenAtOnceGetOneSuccessor) {
    const TokenPair first = open(ann_);
    std::multiset<std::string> successors;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 10; ++i)
        tasks.push_back(refresh_into(sessions_, claims_of(first.refresh_jwt), successors));
    db::testing::run_all(bed_.loop, std::move(tasks));
    ASSERT_EQ(successors.size(), 10U);
    EXPECT_EQ(successors.count(*successors.begin()), 10U);
    EXPECT_NE(*successors.begin(), "refused");
    EXPECT_EQ(rows(), 1);
}

TEST_F(SessionsTest, EachRotationLastsAnother90Days) {
    constexpr std::int64_t day_s = 24 * 60 * 60;
    const TokenPair first = open(ann_);
    const auto second = refresh(first.refresh_jwt, start.plus_s(89 * day_s));
    ASSERT_TRUE(second.has_value());
    EXPECT_TRUE(refresh(second->tokens.refresh_jwt, start.plus_s(178 * day_s)).has_value());

    const TokenPair other = open(ann_);
    EXPECT_EQ(testing::name_of(refresh(other.refresh_jwt, start.plus_s(90 * day_s))),
              "ExpiredToken");
}

TEST_F(SessionsTest, SweepsOnlyWhatHasExpired) {
    open(ann_, start);
    const TokenPair later = open(ann_, start.plus_s(10));
    const Timestamp end{(start.seconds() + limits::refresh_token_s) * 1'000'000};
    EXPECT_EQ(*bed_.loop.run(sessions_.sweep({end.us - 1})), 0);
    EXPECT_EQ(*bed_.loop.run(sessions_.sweep(end)), 1);
    EXPECT_TRUE(authenticate(later.access_jwt).has_value());
}

TEST_F(SessionsTest, ASweepGoesOnFromPieceToPiece) {
    const std::vector<TokenPair> tokens{open(ann_, start), open(ann_, start.plus_s(10)),
                                        open(ann_, start), open(ann_, start), open(ann_, start)};
    const Timestamp end{(start.seconds() + limits::refresh_token_s) * 1'000'000};
    std::vector<std::int64_t> erased;
    session_store::Sweep piece{};
    do {
        bed_.write([&](db::Transaction& t) {
            piece = session_store::erase_expired(t, piece.last_row, 2, end);
        });
        erased.push_back(piece.erased);
    } while (piece.last_row != 0);
    EXPECT_EQ(erased, (std::vector<std::int64_t>{1, 2, 1, 0}));
    EXPECT_TRUE(authenticate(tokens[1].access_jwt).has_value());
}

TEST_F(SessionsTest, ATakenDownAccountIsToldSoAndRotatesNothing) {
    const TokenPair tokens = open(ann_);
    bed_.write([&](db::Transaction& t) { account_store::set_takedown(t, ann_.id, "ref"); });
    const auto refused = refresh(tokens.refresh_jwt, start);
    EXPECT_EQ(testing::name_of(refused), "AccountTakedown");
    EXPECT_EQ(refused.error().fault, Fault::unauthenticated);
    bed_.write([&](db::Transaction& t) { account_store::set_takedown(t, ann_.id, std::nullopt); });
    EXPECT_TRUE(refresh(tokens.refresh_jwt, start).has_value()) << "the token was not used up";
}

TEST_F(SessionsTest, KeepsScopeAndAppPasswordThroughRotations) {
    bed_.write([&](db::Transaction& t) {
        testing::must(
            app_passwords::create(t, ann_.id, "phone", app_passwords::Privilege::standard, start));
    });
    const TokenPair tokens = open(ann_, start, Scope::app_pass, "phone");
    const TokenPair own = open(ann_);
    const auto next = refresh(tokens.refresh_jwt, start);
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(authenticate(next->tokens.access_jwt)->scope, Scope::app_pass);
    bed_.write([&](db::Transaction& t) { app_passwords::revoke(t, ann_.id, "phone"); });
    EXPECT_EQ(testing::name_of(authenticate(next->tokens.access_jwt)), "ExpiredToken");
    EXPECT_EQ(testing::name_of(refresh(next->tokens.refresh_jwt, start)), "ExpiredToken");
    EXPECT_TRUE(authenticate(own.access_jwt).has_value());
}

TEST_F(SessionsTest, TheOldestSessionMakesRoomBeyondTheBound) {
    const Account bob = bed_.add_account("bob.test");
    const TokenPair of_bob = open(bob);
    const TokenPair oldest = open(ann_);
    // The clock may stand still or step back: the newest is the one opened last.
    bed_.write([&](db::Transaction& t) {
        for (int i = 1; i < limits::sessions_per_account_max; ++i)
            sessions_.open(t, ann_, Scope::access, std::nullopt, start);
    });
    EXPECT_TRUE(authenticate(oldest.access_jwt).has_value());
    const TokenPair newest = open(ann_, start.plus_s(-10));
    EXPECT_TRUE(authenticate(newest.access_jwt).has_value());
    EXPECT_EQ(testing::name_of(authenticate(oldest.access_jwt)), "ExpiredToken");
    EXPECT_EQ(rows(), limits::sessions_per_account_max + 1);
    EXPECT_TRUE(authenticate(of_bob.access_jwt).has_value());
}

TEST_F(SessionsTest, CloseAllEndsThoseOfOneAccount) {
    const Account bob = bed_.add_account("bob.test");
    const TokenPair of_ann = open(ann_);
    const TokenPair of_bob = open(bob);
    bed_.write([&](db::Transaction& t) { Sessions::close_all(t, ann_.id); });
    EXPECT_EQ(testing::name_of(authenticate(of_ann.access_jwt)), "ExpiredToken");
    EXPECT_TRUE(authenticate(of_bob.access_jwt).has_value());
}

TEST_F(SessionsTest, TheStoreKeepsASessionWhole) {
    const session_store::Session session{.id = "s1",
                                         .account_id = ann_.id,
                                         .scope = Scope::takendown,
                                         .app_password = std::nullopt,
                                         .token = "t1",
                                         .created_at = {5},
                                         .expires_at = {6}};
    bed_.write([&](db::Transaction& t) {
        session_store::insert(t, session);
        session_store::rotate(t, "s1", "t2", {8}, {7});
    });
    const auto found = bed_.read([](db::Transaction& t) { return session_store::find(t, "s1"); });
    ASSERT_TRUE(found);
    EXPECT_EQ(found->scope, Scope::takendown);
    EXPECT_EQ(found->token, "t2");
    EXPECT_EQ(found->previous_token, "t1");
    EXPECT_EQ(found->rotated_at, Timestamp{7});
    EXPECT_EQ(found->created_at, Timestamp{5});
    EXPECT_EQ(found->expires_at, Timestamp{8});
    EXPECT_FALSE(bed_.read([](db::Transaction& t) { return session_store::find(t, "s2"); }));
}

}  // namespace
}  // namespace roost::pds
