#include "pds/proxying/service_tokens.h"

#include <gtest/gtest.h>

#include <array>

#include "atproto/crypto/service_jwt.h"
#include "pds/proxying/limits.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using testing::must;

constexpr std::string_view audience = "did:web:api.example";
constexpr std::string_view method = "app.bsky.feed.getTimeline";

class ServiceTokensTest : public ::testing::Test, public testing::TestDatabase {
  public:
    ServiceTokens::Remembered remembered(const Account& account, std::int64_t after_s = 0,
                                         std::string_view for_method = method,
                                         std::string_view for_whom = audience) {
        return must(
            loop.run(tokens.remembered(account, for_whom, for_method, start.plus_s(after_s))));
    }
    Timestamp start = now();
    Account ann = add_account("ann.test");
    Account bob = add_account("bob.test");
    ServiceTokens tokens{db(), vault};
};

TEST_F(ServiceTokensTest, NameTheirMethodAndAreSignedByTheAccount) {
    const std::string token = must(loop.run(tokens.fresh(ann, audience, method, start)));
    const std::array<std::string, 1> own{std::string(audience)};
    const auto jwt =
        must(atproto::ServiceJwt::parse(token, {.now = start, .own_dids = own, .method = method}));
    EXPECT_EQ(jwt.issuer(), ann.did);
    EXPECT_EQ(jwt.expires_s(), start.seconds() + limits::service_token_s);
    EXPECT_FALSE(jwt.jti().empty());
    const auto key = read([&](db::Transaction& t) { return key_store::find(t, ann.id, vault); });
    EXPECT_TRUE(jwt.verify(must(key).public_key()).has_value());
    EXPECT_NE(must(loop.run(tokens.fresh(ann, audience, method, start))), token);
}

TEST_F(ServiceTokensTest, AreUsedAgainForPartOfTheirLife) {
    const auto first = remembered(ann);
    EXPECT_FALSE(first.was_used);
    const auto second = remembered(ann, limits::service_token_reuse_s - 1);
    EXPECT_TRUE(second.was_used);
    EXPECT_EQ(second.token, first.token);
    const auto late = remembered(ann, limits::service_token_reuse_s);
    EXPECT_FALSE(late.was_used);
    EXPECT_NE(late.token, first.token);
}

TEST_F(ServiceTokensTest, AreForOneAccountMethodAndAudience) {
    const auto token = remembered(ann);
    EXPECT_FALSE(remembered(bob).was_used);
    EXPECT_FALSE(remembered(ann, 0, "app.bsky.feed.getFeed").was_used);
    EXPECT_FALSE(remembered(ann, 0, method, "did:web:other.example").was_used);
    EXPECT_EQ(remembered(ann).token, token.token);
}

TEST_F(ServiceTokensTest, AreNotUsedAfterTheAccountHasChanged) {
    const auto token = remembered(ann);
    write([&](db::Transaction& t) { account_store::set_takedown(t, ann.id, "x"); });
    EXPECT_FALSE(remembered(ann).was_used);
    EXPECT_NE(remembered(ann).token, token.token);
}

TEST_F(ServiceTokensTest, AreNotUsedWhenTheClockHasGoneBack) {
    remembered(ann, 100);
    EXPECT_FALSE(remembered(ann, 0).was_used);
}

TEST_F(ServiceTokensTest, AreBounded) {
    const auto account = ann;
    for (std::size_t i = 0; i < 64; ++i)
        remembered(account, 0, method, "did:web:a" + std::to_string(i) + ".example");
    EXPECT_TRUE(remembered(account, 0, method, "did:web:a63.example").was_used);
}

}  // namespace
}  // namespace roost::pds
