#include "atproto/crypto/jwt.h"

#include <gtest/gtest.h>

#include "atproto/limits.h"
#include "base/encoding.h"

namespace roost::atproto {
namespace {

// https://www.rfc-editor.org/rfc/rfc7515, appendix A.1 and A.3.
constexpr std::string_view rfc_payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";
const std::string rfc_hs256 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." +
                              std::string(rfc_payload) +
                              ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const std::string rfc_es256 =
    "eyJhbGciOiJFUzI1NiJ9." + std::string(rfc_payload) +
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQ"
    "xfKTUJqPP3-Kg6NU1Q";

HmacKey rfc_hmac_key() {
    return HmacKey(SecretBytes(*base64url_decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")));
}

std::string token_of(std::string_view header, std::string_view payload) {
    return base64url_encode(as_bytes(header)) + '.' + base64url_encode(as_bytes(payload)) + ".AAAA";
}

std::string refusal_of(std::string_view text) {
    const Result<jwt::Jwt> parsed = jwt::parse(text);
    if (parsed) return "accepted";
    EXPECT_EQ(parsed.error().fault, Fault::unauthenticated);
    EXPECT_EQ(parsed.error().name, "BadJwt");
    return parsed.error().message;
}

TEST(Jwt, ReadsTheHs256ExampleOfTheRfc) {
    const Result<jwt::Jwt> parsed = jwt::parse(rfc_hs256);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->algorithm(), "HS256");
    EXPECT_EQ(parsed->type(), "JWT");
    EXPECT_EQ(parsed->text("iss"), "joe");
    EXPECT_EQ(parsed->number("exp"), 1300819380);
    EXPECT_EQ(parsed->text("exp"), std::nullopt);
    EXPECT_EQ(parsed->number("iss"), std::nullopt);
    EXPECT_TRUE(jwt::verify_hs256(*parsed, rfc_hmac_key()));
    EXPECT_FALSE(jwt::verify_hs256(*parsed, HmacKey(SecretBytes(Bytes(32, 1)))));
}

TEST(Jwt, ReadsTheEs256ExampleOfTheRfcWhoseSIsHigh) {
    Bytes point = {4};
    append(point, *base64url_decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"));
    append(point, *base64url_decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
    const Result<PublicKey> key = PublicKey::from_point(Curve::p256, point);
    ASSERT_TRUE(key);
    const Result<jwt::Jwt> parsed = jwt::parse(rfc_es256);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->type(), "");
    EXPECT_TRUE(jwt::verify_es(*parsed, *key, SPolicy::any));
    EXPECT_FALSE(jwt::verify_es(*parsed, *key, SPolicy::low_only));
}

TEST(Jwt, SignsWhatItReads) {
    const HmacKey hmac_key(SecretBytes(Bytes(32, 1)));
    const std::string hs256 = jwt::sign_hs256(hmac_key, "at+jwt", R"({"sub":"did:web:a.test"})");
    const Result<jwt::Jwt> parsed = jwt::parse(hs256);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->type(), "at+jwt");
    EXPECT_EQ(parsed->text("sub"), "did:web:a.test");
    EXPECT_TRUE(jwt::verify_hs256(*parsed, hmac_key));
    for (const Curve curve : {Curve::k256, Curve::p256}) {
        const PrivateKey key = PrivateKey::generate(curve);
        const std::string es = jwt::sign_es(key, "JWT", R"({"exp":1})");
        const Result<jwt::Jwt> es_parsed = jwt::parse(es);
        ASSERT_TRUE(es_parsed);
        EXPECT_EQ(es_parsed->algorithm(), jwt_algorithm(curve));
        EXPECT_TRUE(jwt::verify_es(*es_parsed, key.public_key(), SPolicy::low_only));
        EXPECT_FALSE(jwt::verify_es(*es_parsed, PrivateKey::generate(curve).public_key(),
                                    SPolicy::low_only));
    }
}

TEST(Jwt, TheAlgorithmIsTheKeysAndNotTheTokens) {
    const PrivateKey k256 = PrivateKey::generate(Curve::k256);
    const PrivateKey p256 = PrivateKey::generate(Curve::p256);
    // A token authenticated with the public key as if that were a shared secret.
    const HmacKey confused(SecretBytes(to_bytes(k256.public_key().did_key())));
    const std::string forged = jwt::sign_hs256(confused, "JWT", "{}");
    const Result<jwt::Jwt> parsed = jwt::parse(forged);
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(jwt::verify_es(*parsed, k256.public_key(), SPolicy::any));

    // Rightly signed, but under the name of another algorithm.
    for (const std::string_view algorithm : {"none", "None", "HS256", "ES256", "es256k", "RS256"}) {
        std::string token = token_of(R"({"alg":")" + std::string(algorithm) + R"("})", "{}");
        token.resize(token.rfind('.'));
        const std::string input = token;
        token += '.' + base64url_encode(k256.sign(as_bytes(input)));
        const Result<jwt::Jwt> renamed = jwt::parse(token);
        ASSERT_TRUE(renamed);
        EXPECT_FALSE(jwt::verify_es(*renamed, k256.public_key(), SPolicy::any)) << algorithm;
        EXPECT_FALSE(jwt::verify_es(*renamed, p256.public_key(), SPolicy::any)) << algorithm;
        EXPECT_FALSE(jwt::verify_hs256(*renamed, confused)) << algorithm;
    }
}

TEST(Jwt, ASwappedPayloadOrHeaderFails) {
    const HmacKey key(SecretBytes(Bytes(32, 1)));
    const std::string token = jwt::sign_hs256(key, "at+jwt", R"({"sub":"a"})");
    const std::string other = jwt::sign_hs256(key, "refresh+jwt", R"({"sub":"b"})");
    const auto part = [](const std::string& text, int index) {
        std::size_t begin = 0;
        for (int i = 0; i < index; ++i)
            begin = text.find('.', begin) + 1;
        return text.substr(begin, text.find('.', begin) - begin);
    };
    for (int swapped = 0; swapped < 3; ++swapped) {
        std::string mixed;
        for (int i = 0; i < 3; ++i) {
            if (i > 0) mixed += '.';
            mixed += part(i == swapped ? other : token, i);
        }
        const Result<jwt::Jwt> parsed = jwt::parse(mixed);
        ASSERT_TRUE(parsed);
        EXPECT_FALSE(jwt::verify_hs256(*parsed, key)) << swapped;
    }
}

TEST(Jwt, AnEmptySignatureParsesAndNeverVerifies) {
    std::string token = jwt::sign_hs256(rfc_hmac_key(), "JWT", "{}");
    token.resize(token.rfind('.') + 1);
    const Result<jwt::Jwt> parsed = jwt::parse(token);
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(jwt::verify_hs256(*parsed, rfc_hmac_key()));
}

TEST(Jwt, RefusesWrongForms) {
    EXPECT_EQ(refusal_of(""), "a token has three parts");
    EXPECT_EQ(refusal_of("a.b"), "a token has three parts");
    EXPECT_EQ(refusal_of(rfc_hs256 + "."), "a token has three parts");
    EXPECT_EQ(refusal_of(rfc_hs256 + ".a.b"), "a token has three parts");  // encrypted: five
    EXPECT_EQ(refusal_of(rfc_hs256 + "="), "the token's signature is not base64url");
    EXPECT_EQ(refusal_of(rfc_hs256 + " "), "the token's signature is not base64url");
    EXPECT_EQ(refusal_of(" " + rfc_hs256), "the token's header is not base64url");
    EXPECT_EQ(refusal_of("e+30.e30.AA"), "the token's header is not base64url");
    EXPECT_EQ(refusal_of(".."), "the token's header is empty");
    const std::string good = R"({"alg":"HS256"})";
    EXPECT_EQ(refusal_of(token_of(good, "{}")), "accepted");
    EXPECT_EQ(refusal_of(token_of(good, "")), "the token's payload is empty");
    EXPECT_EQ(refusal_of(token_of("[]", "{}")), "the token's header is not a JSON object");
    for (const std::string_view payload :
         {"[]", "null", "\"a\"", "1", "{", "{} x", R"({"a":1,"a":1})", R"({"sub":1,"sub":2})",
          "{\"a\":\"\xff\"}"})
        EXPECT_EQ(refusal_of(token_of(good, payload)), "the token's payload is not a JSON object")
            << payload;
}

TEST(Jwt, RefusesWrongHeaders) {
    EXPECT_EQ(refusal_of(token_of("{}", "{}")), "the token's header names no algorithm");
    EXPECT_EQ(refusal_of(token_of(R"({"alg":null})", "{}")),
              "the token's header names no algorithm");
    EXPECT_EQ(refusal_of(token_of(R"({"alg":["HS256"]})", "{}")),
              "the token's header names no algorithm");
    EXPECT_EQ(refusal_of(token_of(R"({"alg":"HS256","alg":"none"})", "{}")),
              "the token's header is not a JSON object");
    EXPECT_EQ(refusal_of(token_of(R"({"alg":"HS256","crit":["b64"],"b64":false})", "{}")),
              "the token's header has critical extensions");
    EXPECT_EQ(refusal_of(token_of(R"({"alg":"HS256","crit":[]})", "{}")),
              "the token's header has critical extensions");
    EXPECT_EQ(refusal_of(token_of(R"({"alg":"HS256","typ":1})", "{}")),
              "the token's type is not a text");
}

TEST(Jwt, RefusesLongTokens) {
    std::string payload = R"({"a":")";
    payload += std::string(6000, 'x') + "\"}";
    const std::string token = token_of(R"({"alg":"HS256"})", payload);
    ASSERT_LE(token.size(), limits::jwt_bytes_max);
    EXPECT_EQ(refusal_of(token), "accepted");
    std::string padded = token;
    while (padded.size() < limits::jwt_bytes_max)
        padded += "AAAA";
    padded.resize(limits::jwt_bytes_max + 1, 'A');
    EXPECT_EQ(refusal_of(padded), "the token is longer than 8 kB");
}

}  // namespace
}  // namespace roost::atproto
