#include "pds/accounts/tokens.h"

#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>

#include "atproto/crypto/jwt.h"
#include "base/encoding.h"
#include "pds/limits.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

namespace jwt = atproto::jwt;

constexpr Timestamp start{1'800'000'000'000'000};
constexpr std::string_view secret = "a secret of the test";

class TokensTest : public ::testing::Test {
  protected:
    // A token with a genuine signature by our secret, whatever it claims.
    std::string signed_by_us(std::string_view type, const std::string& payload) {
        return jwt::sign_hs256(key_, type, payload);
    }
    // The same with a header of the test's own.
    std::string with_header(std::string_view header, std::string_view payload) {
        std::string text =
            base64url_encode(as_bytes(header)) + "." + base64url_encode(as_bytes(payload));
        const auto tag = key_.sign(text);
        return text + "." + base64url_encode(tag);
    }
    std::string access_payload(std::string_view more = "", std::string_view without = "") {
        std::string payload;
        const auto add = [&](std::string_view name, std::string_view json) {
            if (name == without) return;
            payload += payload.empty() ? "{\"" : ",\"";
            payload += name;
            payload += "\":";
            payload += json;
        };
        add("scope", "\"com.atproto.access\"");
        add("aud", "\"did:web:pds.test\"");
        add("sub", "\"did:web:ann.test\"");
        add("iat", "1800000000");
        add("exp", "1800007200");
        add("sid", "\"s1\"");
        return payload + std::string(more) + "}";
    }
    std::string read_access(std::string_view text, Timestamp at = start) {
        return testing::name_of(tokens_.read_access(text, at));
    }
    std::string read_refresh(std::string_view text, Timestamp at = start,
                             Expiry expiry = Expiry::enforced) {
        return testing::name_of(tokens_.read_refresh(text, at, expiry));
    }

    atproto::HmacKey key_{SecretBytes(to_bytes(secret))};
    atproto::Did ann_ = testing::did_of("did:web:ann.test");
    Tokens tokens_{SecretText(std::string(secret)), testing::did_of("did:web:pds.test")};
    std::string access_ = tokens_.access({ann_, "s1", Scope::access}, start);
    std::string refresh_ =
        tokens_.refresh({ann_, "s1", "t1"}, start.plus_s(limits::refresh_token_s));
};

TEST_F(TokensTest, AccessTokensClaimWhatClientsRead) {
    const auto parsed = jwt::parse(access_);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->type(), "at+jwt");
    EXPECT_EQ(parsed->algorithm(), "HS256");
    EXPECT_EQ(parsed->text("scope"), "com.atproto.access");
    EXPECT_EQ(parsed->text("sub"), "did:web:ann.test");
    EXPECT_EQ(parsed->text("aud"), "did:web:pds.test");
    EXPECT_EQ(parsed->number("iat"), 1'800'000'000);
    EXPECT_EQ(parsed->number("exp"), 1'800'000'000 + 2 * 60 * 60);
    const auto claims = tokens_.read_access(access_, start);
    ASSERT_TRUE(claims.has_value());
    EXPECT_EQ(claims->did, ann_);
    EXPECT_EQ(claims->session_id, "s1");
    EXPECT_EQ(claims->scope, Scope::access);
}

TEST_F(TokensTest, RefreshTokensClaimWhatClientsRead) {
    const auto parsed = jwt::parse(refresh_);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->type(), "refresh+jwt");
    EXPECT_EQ(parsed->text("scope"), "com.atproto.refresh");
    EXPECT_EQ(parsed->number("exp"), 1'800'000'000 + 90 * 24 * 60 * 60);
    EXPECT_EQ(parsed->number("iat"), 1'800'000'000);
    const auto claims = tokens_.read_refresh(refresh_, start, Expiry::enforced);
    ASSERT_TRUE(claims.has_value());
    EXPECT_EQ(claims->did, ann_);
    EXPECT_EQ(claims->session_id, "s1");
    EXPECT_EQ(claims->token_id, "t1");
    EXPECT_EQ(refresh_, tokens_.refresh({ann_, "s1", "t1"}, start.plus_s(limits::refresh_token_s)));
}

TEST_F(TokensTest, EveryScopeHasItsWord) {
    for (const auto& [scope, word] :
         {std::pair{Scope::access, "com.atproto.access"},
          std::pair{Scope::app_pass, "com.atproto.appPass"},
          std::pair{Scope::app_pass_privileged, "com.atproto.appPassPrivileged"},
          std::pair{Scope::takendown, "com.atproto.takendown"}}) {
        EXPECT_EQ(scope_text(scope), word);
        EXPECT_EQ(parse_scope(word), scope);
        const std::string text = tokens_.access({ann_, "s1", scope}, start);
        EXPECT_EQ(tokens_.read_access(text, start)->scope, scope);
    }
    EXPECT_FALSE(parse_scope("com.atproto.refresh"));
    EXPECT_FALSE(parse_scope(""));
}

// The yardstick for what follows: the payload that the mutations start from is good.
TEST_F(TokensTest, TheTestsOwnTokenIsGood) {
    EXPECT_EQ(read_access(signed_by_us("at+jwt", access_payload())), "");
    EXPECT_EQ(read_access(with_header(R"({"typ":"at+jwt","alg":"HS256"})", access_payload())), "");
}

TEST_F(TokensTest, RefusesOneKindInThePlaceOfTheOther) {
    EXPECT_EQ(read_access(refresh_), "InvalidToken");
    EXPECT_EQ(read_refresh(access_), "InvalidToken");
    // Not even with the type changed: the scope says what it is.
    EXPECT_EQ(read_refresh(signed_by_us("refresh+jwt", access_payload(R"(,"jti":"s1.t1")"))),
              "InvalidToken");
    EXPECT_EQ(
        read_access(signed_by_us("at+jwt", R"({"scope":"com.atproto.refresh","sid":"s1",)"
                                           R"("aud":"did:web:pds.test","sub":)"
                                           R"("did:web:ann.test","iat":1,"exp":9999999999})")),
        "InvalidToken");
}

TEST_F(TokensTest, RefusesOtherAlgorithmsAndTypes) {
    const std::string payload = access_payload();
    for (const std::string_view header :
         {R"({"typ":"at+jwt","alg":"none"})", R"({"typ":"at+jwt","alg":"None"})",
          R"({"typ":"at+jwt","alg":"HS384"})", R"({"typ":"at+jwt","alg":"ES256K"})",
          R"({"typ":"at+jwt","alg":"hs256"})", R"({"typ":"at+jwt"})", R"({"alg":"HS256"})",
          R"({"typ":"JWT","alg":"HS256"})", R"({"typ":"dpop+jwt","alg":"HS256"})",
          R"({"typ":"AT+JWT","alg":"HS256"})", R"({"typ":"at+jwt","alg":"HS256","crit":["b64"]})",
          R"({"typ":"at+jwt","alg":"HS256","alg":"none"})"})
        EXPECT_EQ(read_access(with_header(header, payload)), "InvalidToken") << header;
    const std::string unsigned_token =
        base64url_encode(as_bytes(R"({"typ":"at+jwt","alg":"none"})")) + "." +
        base64url_encode(as_bytes(payload)) + ".";
    EXPECT_EQ(read_access(unsigned_token), "InvalidToken");
}

TEST_F(TokensTest, RefusesAsymmetricSignatures) {
    const auto key = atproto::PrivateKey::generate(atproto::Curve::k256);
    EXPECT_EQ(read_access(jwt::sign_es(key, "at+jwt", access_payload())), "InvalidToken");
}

TEST_F(TokensTest, NeverLooksAtKeysInTheHeader) {
    EXPECT_EQ(read_access(with_header(
                  R"({"typ":"at+jwt","alg":"HS256","kid":"x","jku":"https://evil.example/k"})",
                  access_payload())),
              "")
        << "header members that name keys change nothing";
}

TEST_F(TokensTest, AsksForEveryClaim) {
    for (const std::string_view claim : {"scope", "aud", "sub", "iat", "exp", "sid"})
        EXPECT_EQ(read_access(signed_by_us("at+jwt", access_payload("", claim))), "InvalidToken")
            << claim;
    EXPECT_EQ(
        read_access(signed_by_us("at+jwt", access_payload(R"(,"aud":"did:web:x.test")", "aud"))),
        "InvalidToken");
    EXPECT_EQ(read_access(signed_by_us("at+jwt", access_payload(R"(,"sub":"ann.test")", "sub"))),
              "InvalidToken");
    EXPECT_EQ(read_access(signed_by_us("at+jwt", access_payload(R"(,"exp":"1800007200")", "exp"))),
              "InvalidToken");
    EXPECT_EQ(read_access(signed_by_us("at+jwt", access_payload(R"(,"exp":0)", "exp"))),
              "ExpiredToken");
    EXPECT_EQ(read_access(signed_by_us("at+jwt", access_payload(R"(,"exp":-1)", "exp"))),
              "ExpiredToken");
}

TEST_F(TokensTest, RefusesTokensOfOtherPurposes) {
    EXPECT_EQ(read_access(signed_by_us(
                  "at+jwt", access_payload(R"(,"lxm":"com.atproto.server.createAccount")"))),
              "InvalidToken");
    EXPECT_EQ(read_access(signed_by_us("at+jwt", access_payload(R"(,"cnf":{"jkt":"x"})"))),
              "InvalidToken");
}

TEST_F(TokensTest, AnExpiredTokenIsToldApartOnlyIfItIsGenuine) {
    const Timestamp late = start.plus_s(2 * 60 * 60);
    EXPECT_EQ(read_access(access_, {late.us - 1'000'000}), "");
    EXPECT_EQ(read_access(access_, late), "ExpiredToken");
    std::string forged = access_;
    forged.back() = forged.back() == 'A' ? 'Q' : 'A';
    EXPECT_EQ(read_access(forged, late), "InvalidToken");
    const Timestamp very_late = start.plus_s(limits::refresh_token_s);
    EXPECT_EQ(read_refresh(refresh_, very_late), "ExpiredToken");
    EXPECT_EQ(read_refresh(refresh_, very_late, Expiry::ignored), "");
}

TEST_F(TokensTest, RefusesEveryTamperedToken) {
    for (std::size_t i = 0; i < access_.size(); ++i) {
        std::string tampered = access_;
        tampered[i] = tampered[i] == 'A' ? 'B' : 'A';
        EXPECT_EQ(read_access(tampered), "InvalidToken") << "character " << i;
    }
    for (const std::string& text :
         {std::string(), std::string("."), std::string(".."), access_ + ".", access_ + "A",
          access_.substr(0, access_.size() - 1), access_.substr(0, access_.rfind('.') + 1),
          " " + access_})
        EXPECT_EQ(read_access(text), "InvalidToken") << text;
}

TEST_F(TokensTest, RefusesTokensBeyondEightKilobytes) {
    const std::string padding(8 * 1024, 'x');
    EXPECT_EQ(read_access(signed_by_us("at+jwt", access_payload(",\"x\":\"" + padding + "\""))),
              "InvalidToken");
    EXPECT_EQ(read_access(std::string(1'000'000, 'A')), "InvalidToken");
}

// The time of this thread alone, the least of some calls: others on the machine do not count.
std::int64_t cpu_us_of(const auto& call) {
    const auto cpu_us = [] {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return time.tv_sec * 1'000'000 + time.tv_nsec / 1'000;
    };
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (int i = 0; i < 10; ++i) {
        const std::int64_t before = cpu_us();
        call();
        least = std::min<std::int64_t>(least, cpu_us() - before);
    }
    return least;
}

TEST_F(TokensTest, NoTokenMakesMoreWorkThanAMillisecond) {
    const auto repeated = [](std::string_view text, std::size_t size) {
        std::string all;
        while (all.size() < size)
            all += text;
        return all;
    };
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    constexpr std::int64_t most_us = 10'000;  // these tests run some ten times slower
#else
    constexpr std::int64_t most_us = 1'000;
#endif
    // As much as fits into the eight kilobytes of a token, in base64url.
    constexpr std::size_t room = 5'500;
    const std::string payload = access_payload();
    for (const std::string& token : {
             with_header(R"({"alg":"PBES2-HS512+A256KW","enc":"A256GCM","typ":"at+jwt",)"
                         R"("p2c":2147483647,"p2s":"AAAA"})",
                         payload),
             with_header(R"({"alg":"RS256","typ":"at+jwt","jku":"https://evil.example/k"})",
                         payload),
             with_header(R"({"alg":"HS256","typ":"at+jwt","x":)" + repeated("[", room), payload),
             with_header(
                 R"({"alg":"none","typ":"at+jwt","x":")" + repeated("\\u0041", room) + "\"}",
                 payload),
             with_header(R"({"alg":"HS256","typ":"at+jwt")" + repeated(R"(,"x":1)", room) + "}",
                         payload),
             signed_by_us("at+jwt", access_payload(",\"x\":" + repeated("{\"x\":", room))),
             signed_by_us("at+jwt", access_payload(R"(,"exp":)" + repeated("9", room), "exp")),
             with_header(
                 R"({"alg":"HS256","typ":"at+jwt","x":[0)" + repeated(",0", 1'000'000) + "]}",
                 payload),
             std::string(8'000'000, '.'),
         }) {
        EXPECT_NE(read_access(token), "") << token.substr(0, 60);
        EXPECT_LT(cpu_us_of([&] { read_access(token); }), most_us) << token.substr(0, 60);
    }
}

TEST_F(TokensTest, RefusesAnotherServersSecretAndAudience) {
    const Tokens other_secret(SecretText("another secret"), testing::did_of("did:web:pds.test"));
    EXPECT_EQ(read_access(other_secret.access({ann_, "s1", Scope::access}, start)), "InvalidToken");
    const Tokens other_server(SecretText(std::string(secret)), testing::did_of("did:web:b.test"));
    EXPECT_EQ(read_access(other_server.access({ann_, "s1", Scope::access}, start)), "InvalidToken");
}

TEST_F(TokensTest, ARefreshTokenWithoutAnIdIsNone) {
    const std::string claims =
        R"({"scope":"com.atproto.refresh","aud":"did:web:pds.test","sub":"did:web:ann.test",)"
        R"("iat":1,"exp":9999999999)";
    EXPECT_EQ(read_refresh(signed_by_us("refresh+jwt", claims + "}")), "MissingTokenId");
    // One of another form names a session that cannot be.
    for (const std::string jti : {"nodot", "nodot.", "."}) {
        const auto read =
            tokens_.read_refresh(signed_by_us("refresh+jwt", claims + ",\"jti\":\"" + jti + "\"}"),
                                 start, Expiry::enforced);
        ASSERT_TRUE(read.has_value()) << jti;
        EXPECT_EQ(read->token_id, "") << jti;
    }
}

}  // namespace
}  // namespace roost::pds
