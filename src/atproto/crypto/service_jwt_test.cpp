#include "atproto/crypto/service_jwt.h"

#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"

namespace roost::atproto {
namespace {

constexpr Timestamp now{1'700'000'000'000'000};
constexpr std::string_view method = "com.atproto.server.createAccount";
const std::vector<std::string> own_dids = {"did:web:pds.test", "did:web:pds.test#atproto_pds"};

const PrivateKey& key() {
    static const PrivateKey the_key = PrivateKey::generate(Curve::k256);
    return the_key;
}

Result<ServiceJwt> read(std::string_view text, std::optional<std::string_view> expected = method,
                        Timestamp time = now) {
    return ServiceJwt::parse(text, {.now = time, .own_dids = own_dids, .method = expected});
}

// The error's name of a token with these claims, signed well.
std::string refusal_of(std::string_view payload, std::string_view type = "JWT",
                       std::optional<std::string_view> expected = method) {
    const std::string text = jwt::sign_es(key(), type, payload);
    const Result<ServiceJwt> token = read(text, expected);
    if (token) return "accepted";
    EXPECT_EQ(token.error().fault, Fault::unauthenticated);
    return token.error().name;
}

std::string claims(std::string_view rest) {
    return R"({"iss":"did:web:alice.test","aud":"did:web:pds.test")" + std::string(rest) + "}";
}

ServiceJwtOrder order() {
    return {.issuer = "did:web:alice.test", .audience = own_dids[0], .method = method, .now = now};
}

TEST(ServiceJwt, RoundTrips) {
    for (const Curve curve : {Curve::k256, Curve::p256}) {
        const PrivateKey signer = PrivateKey::generate(curve);
        const std::string text = create_service_jwt(signer, order());
        const Result<ServiceJwt> token = read(text);
        ASSERT_TRUE(token) << token.error().message;
        EXPECT_EQ(token->issuer().text(), "did:web:alice.test");
        EXPECT_EQ(token->key_fragment(), "atproto");
        EXPECT_EQ(token->method(), method);
        EXPECT_EQ(token->jti().size(), 32U);
        EXPECT_EQ(token->expires_s(), now.seconds() + 60);
        EXPECT_TRUE(token->verify(signer.public_key()));
        const Result<void> wrong = token->verify(PrivateKey::generate(curve).public_key());
        ASSERT_FALSE(wrong);
        EXPECT_EQ(wrong.error().name, "BadJwtSignature");
    }
}

TEST(ServiceJwt, EachHasItsOwnJti) {
    std::set<std::string> seen;
    for (int i = 0; i < 20; ++i) {
        const std::string text = create_service_jwt(key(), order());
        seen.emplace(read(text)->jti());
    }
    EXPECT_EQ(seen.size(), 20U);
}

TEST(ServiceJwt, AnIssuerMayNameItsKey) {
    ServiceJwtOrder labeler = order();
    labeler.issuer = "did:web:alice.test#atproto_labeler";
    const std::string text = create_service_jwt(key(), labeler);
    const Result<ServiceJwt> token = read(text);
    ASSERT_TRUE(token);
    EXPECT_EQ(token->issuer().text(), "did:web:alice.test");
    EXPECT_EQ(token->key_fragment(), "atproto_labeler");
}

TEST(ServiceJwt, JudgesTheIssuer) {
    for (const std::string_view issuer : {"", "alice.test", "did:web:alice.test#",
                                          "did:web:a.test#b#c", "#atproto", "did:web:alice.test/x"})
        EXPECT_EQ(refusal_of(R"({"iss":")" + std::string(issuer) +
                             R"(","aud":"did:web:pds.test","exp":1700000010,"lxm":")" +
                             std::string(method) + R"("})"),
                  "BadJwtIss")
            << issuer;
}

TEST(ServiceJwt, JudgesTheTime) {
    const std::string with_method = R"(,"lxm":")" + std::string(method) + R"(","exp":)";
    EXPECT_EQ(refusal_of(claims(with_method + "1700000001")), "accepted");
    EXPECT_EQ(refusal_of(claims(with_method + "1700000000")), "JwtExpired");
    EXPECT_EQ(refusal_of(claims(with_method + "0")), "JwtExpired");
    EXPECT_EQ(refusal_of(claims(with_method + "-9223372036854775808")), "JwtExpired");
    EXPECT_EQ(refusal_of(claims(with_method + "1700003610")), "accepted");  // an hour and the skew
    EXPECT_EQ(refusal_of(claims(with_method + "1700003611")), "BadJwt");
    EXPECT_EQ(refusal_of(claims(with_method + "9223372036854775807")), "BadJwt");
    EXPECT_EQ(refusal_of(claims(R"(,"exp":1700000070)"), "JWT", std::nullopt), "accepted");
    EXPECT_EQ(refusal_of(claims(R"(,"exp":1700000071)"), "JWT", std::nullopt), "BadJwt");
}

TEST(ServiceJwt, JudgesTheAudience) {
    const std::string rest = R"("exp":1700000010,"lxm":")" + std::string(method) + R"("})";
    const auto with_audience = [&](std::string_view audience) {
        return R"({"iss":"did:web:alice.test","aud":)" + std::string(audience) + "," + rest;
    };
    EXPECT_EQ(refusal_of(with_audience(R"("did:web:pds.test")")), "accepted");
    EXPECT_EQ(refusal_of(with_audience(R"("did:web:pds.test#atproto_pds")")), "accepted");
    EXPECT_EQ(refusal_of(with_audience(R"("did:web:pds.test#other")")), "BadJwtAudience");
    EXPECT_EQ(refusal_of(with_audience(R"("did:web:pds.tes")")), "BadJwtAudience");
    EXPECT_EQ(refusal_of(with_audience(R"("")")), "BadJwtAudience");
    EXPECT_EQ(refusal_of(with_audience(R"(["did:web:pds.test"])")), "BadJwt");
}

TEST(ServiceJwt, JudgesTheMethod) {
    EXPECT_EQ(refusal_of(claims(R"(,"exp":1700000010)")), "BadJwtLexiconMethod");
    EXPECT_EQ(refusal_of(claims(R"(,"exp":1700000010,"lxm":"com.atproto.server.createAccoun")")),
              "BadJwtLexiconMethod");
    EXPECT_EQ(refusal_of(claims(R"(,"exp":1700000010,"lxm":1)")), "BadJwt");
    EXPECT_EQ(refusal_of(claims(R"(,"exp":1700000010,"lxm":"a.b.c")"), "JWT", std::nullopt),
              "accepted");
}

TEST(ServiceJwt, JudgesTheForm) {
    const std::string good = claims(R"(,"exp":1700000010,"lxm":")" + std::string(method) + "\"");
    EXPECT_EQ(refusal_of(good), "accepted");
    for (const std::string_view type : {"at+jwt", "refresh+jwt", "dpop+jwt"})
        EXPECT_EQ(refusal_of(good, type), "BadJwtType");
    EXPECT_EQ(refusal_of("{}"), "BadJwt");
    EXPECT_EQ(refusal_of(claims("")), "BadJwt");
    EXPECT_EQ(refusal_of(claims(R"(,"exp":"1700000010")")), "BadJwt");
    EXPECT_EQ(refusal_of(claims(R"(,"exp":1700000010.5)")), "BadJwt");
    EXPECT_EQ(refusal_of(claims(R"(,"exp":1700000010,"jti":1)")), "BadJwt");
    EXPECT_EQ(refusal_of(claims(R"(,"exp":1700000010,"jti":")" + std::string(257, 'j') + "\"")),
              "BadJwt");
    const HmacKey hmac_key(SecretBytes(Bytes(32, 1)));
    const Result<ServiceJwt> hs256 = read(jwt::sign_hs256(hmac_key, "JWT", good));
    ASSERT_FALSE(hs256);
    EXPECT_EQ(hs256.error().name, "BadJwt");
    EXPECT_EQ(read("a.b").error().name, "BadJwt");
}

}  // namespace
}  // namespace roost::atproto
