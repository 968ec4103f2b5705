#include "xrpc/auth.h"

#include <gtest/gtest.h>

#include "atproto/crypto/service_jwt.h"
#include "base/encoding.h"
#include "pds/accounts/account_store.h"
#include "xrpc/testing.h"

namespace roost::xrpc {
namespace {

using pds::Scope;
using pds::testing::name_of;

constexpr std::string_view method = "com.atproto.server.createAccount";

class AuthTest : public ::testing::Test {
  protected:
    Result<Caller> authenticate(const std::string& authorization, const Rule& rule,
                                std::string_view address = "203.0.113.7") {
        testing::TestRequest request("/xrpc/x");
        if (!authorization.empty()) request.with("Authorization", authorization);
        Call call{.http = request.get(),
                  .nsid = method,
                  .client = *net::IpAddress::parse(address),
                  .time = now()};
        return bed_.loop.run(bed_.authenticator.authenticate(call, rule));
    }
    std::string outcome(const std::string& authorization, Needs needs,
                        TakendownCallers takendown = TakendownCallers::refused) {
        return name_of(authenticate(authorization, {.needs = needs, .takendown = takendown}));
    }
    std::string access(Scope scope) { return "Bearer " + bed_.open(scope).access_jwt; }
    static std::string basic(std::string_view text) {
        return "Basic " + base64_encode(as_bytes(text));
    }

    const atproto::Did moderator_ = pds::testing::did_of("did:web:mod.test");
    testing::CorridorBed bed_{AdminFrom::anywhere, moderator_};
    const std::string admin_ = basic("admin:admin's password");
};

TEST_F(AuthTest, WithoutANeedNothingIsLookedAt) {
    for (const std::string text : {"", "Bearer nonsense", "nonsense", "Basic !"}) {
        const auto caller = authenticate(text, {.needs = Needs::nothing});
        ASSERT_TRUE(caller.has_value());
        EXPECT_TRUE(std::holds_alternative<Nobody>(*caller));
    }
}

TEST_F(AuthTest, EveryScopeReachesWhatItMay) {
    struct Expected {
        Scope scope;
        std::string full;
        std::string standard;
        std::string full_takendown;
    };
    const std::string bad = "InvalidToken";
    for (const Expected& expected :
         {Expected{Scope::access, "", "", ""}, Expected{Scope::app_pass, bad, "", bad},
          Expected{Scope::app_pass_privileged, bad, "", bad},
          Expected{Scope::takendown, bad, bad, ""}}) {
        const std::string token = access(expected.scope);
        const auto word = pds::scope_text(expected.scope);
        EXPECT_EQ(outcome(token, Needs::full_access), expected.full) << word;
        EXPECT_EQ(outcome(token, Needs::standard_access), expected.standard) << word;
        EXPECT_EQ(outcome(token, Needs::full_access, TakendownCallers::allowed),
                  expected.full_takendown)
            << word;
    }
}

TEST_F(AuthTest, EachNeedTakesItsOwnKindOfCredentialOnly) {
    const pds::TokenPair tokens = bed_.open(Scope::access);
    const std::string access = "Bearer " + tokens.access_jwt;
    const std::string refresh = "Bearer " + tokens.refresh_jwt;
    for (const Needs needs : {Needs::full_access, Needs::standard_access}) {
        EXPECT_EQ(outcome("", needs), "AuthMissing");
        EXPECT_EQ(outcome(refresh, needs), "InvalidToken");
        EXPECT_EQ(outcome(admin_, needs), "InvalidToken") << "admin is no user";
        EXPECT_EQ(outcome(access, needs), "");
    }
    for (const Needs needs : {Needs::refresh_token, Needs::refresh_token_even_expired}) {
        EXPECT_EQ(outcome("", needs), "AuthMissing");
        EXPECT_EQ(outcome(access, needs), "InvalidToken");
        EXPECT_EQ(outcome(admin_, needs), "AuthMissing");
        EXPECT_EQ(outcome(refresh, needs), "");
    }
    EXPECT_EQ(outcome("", Needs::admin), "AuthenticationRequired");
    EXPECT_EQ(outcome(access, Needs::admin), "AuthenticationRequired");
    EXPECT_EQ(outcome(refresh, Needs::admin), "AuthenticationRequired");
    EXPECT_EQ(outcome(admin_, Needs::admin), "");
    EXPECT_EQ(outcome("", Needs::optional_service), "");
    EXPECT_EQ(outcome(admin_, Needs::optional_service), "MissingJwt");
    EXPECT_NE(outcome(access, Needs::optional_service), "");
    EXPECT_NE(outcome(refresh, Needs::optional_service), "");
    EXPECT_EQ(outcome("", Needs::optional_access), "");
    EXPECT_EQ(outcome(access, Needs::optional_access), "");
    EXPECT_EQ(outcome(admin_, Needs::optional_access), "");
    EXPECT_EQ(outcome(basic("admin:wrong"), Needs::optional_access), "AuthenticationRequired")
        << "who shows credentials shows good ones";
    EXPECT_EQ(outcome(refresh, Needs::optional_access), "InvalidToken");
    EXPECT_EQ(outcome("", Needs::standard_access_or_service), "AuthMissing");
    EXPECT_EQ(outcome(access, Needs::standard_access_or_service), "");
    EXPECT_EQ(outcome(admin_, Needs::standard_access_or_service), "InvalidToken");
    EXPECT_EQ(outcome(refresh, Needs::standard_access_or_service), "InvalidToken");
}

TEST_F(AuthTest, WhatIsOptionalTellsWhoItIs) {
    const auto of = [&](const std::string& credentials) {
        return *authenticate(credentials, {.needs = Needs::optional_access});
    };
    EXPECT_TRUE(std::holds_alternative<Nobody>(of("")));
    EXPECT_TRUE(std::holds_alternative<Admin>(of(admin_)));
    for (const Scope scope : {Scope::access, Scope::app_pass, Scope::app_pass_privileged})
        EXPECT_EQ(std::get<User>(of(access(scope)))->account.did, bed_.ann.did);
    const std::string takendown = access(Scope::takendown);
    EXPECT_EQ(outcome(takendown, Needs::optional_access), "InvalidToken");
    EXPECT_EQ(outcome(takendown, Needs::optional_access, TakendownCallers::allowed), "");
    EXPECT_EQ(outcome(takendown, Needs::standard_access_or_service), "InvalidToken");
}

TEST_F(AuthTest, StatusesAreTheReferences) {
    EXPECT_EQ(authenticate("", {.needs = Needs::full_access}).error().fault,
              Fault::unauthenticated);
    EXPECT_EQ(authenticate("Bearer x", {.needs = Needs::full_access}).error().fault,
              Fault::invalid);
}

TEST_F(AuthTest, RefusesMalformedHeaders) {
    const std::string token = bed_.open(Scope::access).access_jwt;
    for (const std::string& text :
         {token, std::string("Bearer"), std::string("Bearer "), "Bearer  " + token,
          "Bearer " + token + " x", "DPoP " + token, "Token " + token, "Bearer" + token,
          std::string(" "), "Bearer " + token + ","})
        EXPECT_EQ(outcome(text, Needs::full_access), "InvalidToken") << text.substr(0, 20);
    EXPECT_EQ(outcome("bEaReR " + token, Needs::full_access), "");
}

TEST_F(AuthTest, AnEndedSessionIsOutOnTheNextRequest) {
    const std::string token = access(Scope::access);
    EXPECT_EQ(outcome(token, Needs::full_access), "");
    bed_.write([&](db::Transaction& t) { pds::Sessions::close_all(t, bed_.ann.id); });
    EXPECT_EQ(outcome(token, Needs::full_access), "ExpiredToken");
}

TEST_F(AuthTest, AnExpiredRefreshTokenMayEndItsSessionOnly) {
    const std::string old = bed_.tokens.refresh({bed_.ann.did, "s", "t"}, now().plus_s(-1));
    EXPECT_EQ(outcome("Bearer " + old, Needs::refresh_token), "ExpiredToken");
    EXPECT_EQ(outcome("Bearer " + old, Needs::refresh_token_even_expired), "");
}

TEST_F(AuthTest, AdminNeedsTheWholePassword) {
    for (const std::string text :
         {"admin:", "admin:admin's passwor", "admin:admin's password ", "Admin:admin's password",
          "root:admin's password", ":admin's password", "admin's password", ""})
        EXPECT_EQ(outcome(basic(text), Needs::admin), "AuthenticationRequired") << text;
    EXPECT_EQ(outcome("Basic %%%", Needs::admin), "AuthenticationRequired");
    EXPECT_EQ(outcome(admin_, Needs::admin), "");
}

TEST_F(AuthTest, GuessingTheAdminPasswordEnds) {
    for (int i = 0; i < 20; ++i)
        outcome(basic("admin:guess"), Needs::admin);
    EXPECT_EQ(outcome(basic("admin:guess"), Needs::admin), "RateLimitExceeded");
    EXPECT_EQ(outcome(admin_, Needs::admin), "RateLimitExceeded") << "not told if right";
    EXPECT_TRUE(authenticate(admin_, {.needs = Needs::admin}, "203.0.113.8").has_value());
}

TEST_F(AuthTest, ManyRightAdminCallsAreNoGuessing) {
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(outcome(admin_, Needs::admin), "");
}

TEST(AuthLoopback, AdminCanBeKeptToThisMachine) {
    testing::CorridorBed bed(AdminFrom::loopback_only);
    testing::TestRequest request("/xrpc/x");
    request.with("Authorization", "Basic " + base64_encode(as_bytes("admin:admin's password")));
    for (const auto& [address, expected] : {std::pair{"203.0.113.7", "Forbidden"},
                                            {"127.0.0.1", ""},
                                            {"127.9.9.9", ""},
                                            {"::1", ""},
                                            {"2001:db8::1", "Forbidden"},
                                            {"::2", "Forbidden"}}) {
        Call call{.http = request.get(),
                  .nsid = method,
                  .client = *net::IpAddress::parse(address),
                  .time = now()};
        EXPECT_EQ(
            name_of(bed.loop.run(bed.authenticator.authenticate(call, {.needs = Needs::admin}))),
            expected)
            << address;
    }
}

class ServiceAuthTest : public AuthTest {
  protected:
    ServiceAuthTest() { publish(key_); }
    void publish(const atproto::PrivateKey& signing) {
        bed_.network.publish(
            eve_,
            atproto::plc::make_state(pds::testing::handle_of("eve.test"), signing.public_key(),
                                     "https://old.example", {key_.public_key()}),
            key_);
    }
    std::string token(const atproto::ServiceJwtOrder& order, const atproto::PrivateKey& key) {
        return "Bearer " + atproto::create_service_jwt(key, order);
    }
    atproto::ServiceJwtOrder order() {
        return {
            .issuer = eve_.text(), .audience = "did:web:pds.test", .method = method, .now = now()};
    }
    std::string outcome_of(const atproto::ServiceJwtOrder& wanted) {
        return outcome(token(wanted, key_), Needs::optional_service);
    }

    atproto::PrivateKey key_ = atproto::PrivateKey::generate(atproto::Curve::k256);
    atproto::Did eve_ = pds::testing::did_of("did:plc:eeeeeeeeeeeeeeeeeeeeeeee");
};

TEST_F(ServiceAuthTest, ProvesADid) {
    const auto caller = authenticate(token(order(), key_), {.needs = Needs::optional_service});
    ASSERT_TRUE(caller.has_value()) << caller.error().message;
    EXPECT_EQ(std::get<OtherService>(*caller).did, eve_);
}

TEST_F(ServiceAuthTest, StandsBesideAccessTokensWhereBothWillDo) {
    const Rule rule{.needs = Needs::standard_access_or_service};
    const auto caller = authenticate(token(order(), key_), rule);
    ASSERT_TRUE(caller.has_value()) << caller.error().message;
    EXPECT_EQ(std::get<OtherService>(*caller).did, eve_);
    auto wanted = order();
    wanted.method = std::nullopt;
    EXPECT_EQ(name_of(authenticate(token(wanted, key_), rule)), "InvalidToken")
        << "one for any method is taken for an access token";
    wanted = order();
    wanted.method = "com.atproto.server.deleteAccount";
    EXPECT_EQ(name_of(authenticate(token(wanted, key_), rule)), "BadJwtLexiconMethod");
}

TEST_F(ServiceAuthTest, IsForUsAndThisMethodAndNow) {
    auto wanted = order();
    wanted.audience = "did:web:other.test";
    EXPECT_EQ(outcome_of(wanted), "BadJwtAudience");
    wanted.audience = "did:web:pds.test#atproto_pds";
    EXPECT_EQ(outcome_of(wanted), "");
    wanted.audience = "did:web:pds.test#bsky_appview";
    EXPECT_EQ(outcome_of(wanted), "BadJwtAudience");
    wanted = order();
    wanted.method = "com.atproto.server.deleteAccount";
    EXPECT_EQ(outcome_of(wanted), "BadJwtLexiconMethod");
    wanted.method = std::nullopt;
    EXPECT_EQ(outcome_of(wanted), "BadJwtLexiconMethod");
    wanted = order();
    wanted.now = now().plus_s(-3'600);
    EXPECT_EQ(outcome_of(wanted), "JwtExpired");
    wanted = order();
    wanted.lifetime_s = 3'700;
    EXPECT_EQ(outcome_of(wanted), "BadJwt");
    wanted.lifetime_s = 3'500;
    EXPECT_EQ(outcome_of(wanted), "");
}

TEST_F(ServiceAuthTest, IsSignedByTheKeyOfTheIssuersDocument) {
    const auto next = atproto::PrivateKey::generate(atproto::Curve::k256);
    const auto outcome_by_next = [&] {
        return outcome(token(order(), next), Needs::optional_service);
    };
    EXPECT_EQ(outcome_by_next(), "BadJwtSignature");
    EXPECT_EQ(outcome_of(order()), "");
    publish(next);
    EXPECT_EQ(outcome_by_next(), "") << "a new key is known at once";
    EXPECT_EQ(outcome_of(order()), "BadJwtSignature") << "and the old one is over";
    bed_.network.plc = pds::testing::FakeNetwork::Plc::is_unreachable;
    EXPECT_EQ(outcome_by_next(), "") << "what is remembered outlasts an outage";
    EXPECT_EQ(outcome_of(order()), "UnresolvableDid");
}

TEST_F(ServiceAuthTest, ForgedTokensCauseFewLookUps) {
    const auto next = atproto::PrivateKey::generate(atproto::Curve::k256);
    for (std::int64_t i = 0; i <= limits::fresh_documents_max; ++i)
        EXPECT_EQ(outcome(token(order(), next), Needs::optional_service), "BadJwtSignature");
    publish(next);
    EXPECT_EQ(outcome(token(order(), next), Needs::optional_service), "BadJwtSignature")
        << "the document is not asked for again so soon";
    EXPECT_EQ(outcome_of(order()), "") << "the remembered key is still good";
}

TEST_F(ServiceAuthTest, AnIssuerWithoutADocumentIsRefused) {
    bed_.network.operations.clear();
    EXPECT_EQ(outcome_of(order()), "UnresolvableDid");
}

TEST_F(ServiceAuthTest, OnlyTheAccountsOwnKeySpeaksForIt) {
    bed_.network.pages["https://eve.net/.well-known/did.json"] = {
        200, R"({"id":"did:web:eve.net","verificationMethod":[{"id":"#atproto_label",)"
             R"("type":"Multikey","controller":"did:web:eve.net","publicKeyMultibase":")" +
                 key_.public_key().multikey() + "\"}]}"};
    auto wanted = order();
    wanted.issuer = "did:web:eve.net#atproto_label";
    EXPECT_EQ(outcome_of(wanted), "IncompatibleDidDoc");
    wanted.issuer = "did:web:eve.net";
    EXPECT_EQ(outcome_of(wanted), "IncompatibleDidDoc") << "it has no such key";
}

class ModeratorTest : public ServiceAuthTest {
  protected:
    ModeratorTest() {
        const auto method_of = [](std::string_view name, const atproto::PrivateKey& key) {
            return R"({"id":"#)" + std::string(name) +
                   R"(","type":"Multikey","controller":"did:web:mod.test","publicKeyMultibase":")" +
                   key.public_key().multikey() + "\"}";
        };
        bed_.network.pages["https://mod.test/.well-known/did.json"] = {
            200, R"({"id":"did:web:mod.test","verificationMethod":[)" + method_of("atproto", key_) +
                     "," + method_of("atproto_label", label_key_) + "," + method_of("other", key_) +
                     "]}"};
    }
    std::string outcome_by(const std::string& issuer, const atproto::PrivateKey& key,
                           std::string_view audience = "did:web:pds.test") {
        auto wanted = order();
        wanted.issuer = issuer;
        wanted.audience = audience;
        return outcome(token(wanted, key), Needs::admin_or_moderator);
    }

    atproto::PrivateKey label_key_ = atproto::PrivateKey::generate(atproto::Curve::k256);
};

TEST_F(ModeratorTest, IsTheServiceThatThisServerTrusts) {
    auto wanted = order();
    wanted.issuer = "did:web:mod.test";
    const auto caller = authenticate(token(wanted, key_), {.needs = Needs::admin_or_moderator});
    ASSERT_TRUE(caller.has_value()) << caller.error().message;
    EXPECT_EQ(std::get<Moderator>(*caller).did, moderator_);
    EXPECT_EQ(outcome_by("did:web:mod.test", key_, "did:web:pds.test#atproto_pds"), "");
    EXPECT_EQ(outcome_by("did:web:mod.test", key_, "did:web:pds.test#other"), "BadJwtAudience");
    EXPECT_EQ(outcome_by(eve_.text(), key_), "UntrustedIss");
    EXPECT_EQ(outcome_by("did:web:mod.test", label_key_), "BadJwtSignature");
}

TEST_F(ModeratorTest, ALabelerSignsWithItsOwnKey) {
    EXPECT_EQ(outcome_by("did:web:mod.test#atproto_labeler", label_key_), "");
    EXPECT_EQ(outcome_by("did:web:mod.test#atproto_labeler", key_), "BadJwtSignature");
    EXPECT_EQ(outcome_by("did:web:mod.test#other", key_), "UntrustedIss");
    EXPECT_EQ(outcome_by("did:web:mod.test#atproto_label", label_key_), "UntrustedIss");
}

TEST_F(ModeratorTest, StandsBesideTheAdministratorOnlyWhereBothWillDo) {
    EXPECT_EQ(outcome(admin_, Needs::admin_or_moderator), "");
    EXPECT_EQ(outcome("", Needs::admin_or_moderator), "AuthenticationRequired");
    EXPECT_EQ(outcome(basic("admin:wrong"), Needs::admin_or_moderator), "AuthenticationRequired");
    EXPECT_EQ(outcome(access(Scope::access), Needs::admin_or_moderator), "BadJwtType");
    auto wanted = order();
    wanted.issuer = "did:web:mod.test";
    EXPECT_EQ(outcome(token(wanted, key_), Needs::admin), "AuthenticationRequired");
    const std::string once = token(wanted, key_);
    EXPECT_EQ(outcome(once, Needs::admin_or_moderator), "");
    EXPECT_EQ(outcome(once, Needs::admin_or_moderator), "JwtReplayed");
}

TEST_F(ModeratorTest, StandsBesideAccessTokensWhereBothWillDo) {
    const Rule rule{.needs = Needs::standard_access_or_moderator};
    auto wanted = order();
    wanted.issuer = "did:web:mod.test";
    const auto caller = authenticate(token(wanted, key_), rule);
    ASSERT_TRUE(caller.has_value()) << caller.error().message;
    EXPECT_EQ(std::get<Moderator>(*caller).did, moderator_);
    EXPECT_EQ(outcome(access(Scope::access), rule.needs), "");
    EXPECT_EQ(outcome(access(Scope::app_pass), rule.needs), "");
    EXPECT_EQ(outcome("", rule.needs), "AuthMissing");
    EXPECT_EQ(outcome(admin_, rule.needs), "InvalidToken");
    EXPECT_EQ(outcome(token(order(), key_), rule.needs), "InvalidToken")
        << "another service is nobody here";
}

TEST_F(ModeratorTest, WhoseDocumentCannotBeReadIsNotBelieved) {
    bed_.network.pages.clear();
    EXPECT_EQ(outcome_by("did:web:mod.test", key_), "AuthenticationRequired");
    bed_.network.pages["https://mod.test/.well-known/did.json"] = {200,
                                                                   R"({"id":"did:web:mod.test"})"};
    EXPECT_EQ(outcome_by("did:web:mod.test", key_), "AuthenticationRequired");
}

TEST_F(ServiceAuthTest, IsGoodOnce) {
    const std::string once = token(order(), key_);
    EXPECT_EQ(outcome(once, Needs::optional_service), "");
    EXPECT_EQ(outcome(once, Needs::optional_service), "JwtReplayed");
    EXPECT_EQ(outcome_of(order()), "") << "another one is another";
}

}  // namespace
}  // namespace roost::xrpc
