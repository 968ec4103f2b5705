#include "atproto/crypto/service_jwt.h"

#include <algorithm>
#include <array>

#include "atproto/data/json.h"
#include "atproto/limits.h"
#include "base/encoding.h"
#include "base/random.h"

namespace roost::atproto {

namespace {

constexpr std::size_t jti_random_bytes = 16;
constexpr std::string_view default_key_fragment = "atproto";

// Types of tokens with another purpose, which must not serve here. Any other type may.
constexpr std::array<std::string_view, 3> foreign_types = {"at+jwt", "refresh+jwt", "dpop+jwt"};

Error refused(std::string name, std::string message) {
    return Error::unauthenticated(std::move(message), std::move(name));
}

void append_member(std::string& json, std::string_view key, std::string_view text) {
    json += ',';
    json::append_string(json, key);
    json += ':';
    json::append_string(json, text);
}

struct Issuer {
    Did did;
    std::string key_fragment;
};

Result<Issuer> parse_issuer(std::string_view text) {
    const std::size_t hash = text.find('#');
    Result<Did> did = Did::parse(text.substr(0, hash));
    const std::string_view fragment =
        hash == text.npos ? default_key_fragment : text.substr(hash + 1);
    if (!did || fragment.empty() || fragment.find('#') != fragment.npos)
        return refused("BadJwtIss", "the token's issuer is not a DID");
    return Issuer{std::move(*did), std::string(fragment)};
}

// A claim that is absent, or a text.
Result<std::string> optional_text(const jwt::Jwt& jwt, std::string_view claim) {
    const Value* const value = jwt.payload.find(claim);
    if (!value) return std::string();
    const std::string* const text = value->as<std::string>();
    if (!text) return refused("BadJwt", "the token's " + std::string(claim) + " is not a text");
    return *text;
}

Result<void> check_time(std::int64_t expires_s, std::int64_t now_s, bool has_method) {
    if (expires_s <= now_s) return refused("JwtExpired", "the token is expired");
    const std::int64_t lifetime_max_s = has_method ? limits::service_jwt_lifetime_one_method_s
                                                   : limits::service_jwt_lifetime_any_method_s;
    if (expires_s - now_s > lifetime_max_s + limits::clock_skew_s)
        return refused("BadJwt", "the token is good for longer than " +
                                     std::to_string(lifetime_max_s) + " seconds");
    return {};
}

Result<void> check_method(std::string_view method, std::optional<std::string_view> expected) {
    if (!expected || method == *expected) return {};
    const std::string what = method.empty() ? "missing" : "bad";
    return refused(
        "BadJwtLexiconMethod",
        what + " lexicon method (\"lxm\") in the token, must be " + std::string(*expected));
}

}  // namespace

std::string create_service_jwt(const PrivateKey& key, const ServiceJwtOrder& order) {
    const std::int64_t now_s = order.now.seconds();
    std::string payload = "{\"iat\":";
    json::append_int(payload, now_s);
    append_member(payload, "iss", order.issuer);
    append_member(payload, "aud", order.audience);
    payload += ",\"exp\":";
    json::append_int(payload, now_s + order.lifetime_s);
    if (order.method) append_member(payload, "lxm", *order.method);
    append_member(payload, "jti", hex_encode(random_bytes(jti_random_bytes)));
    payload += '}';
    return jwt::sign_es(key, "JWT", payload);
}

Result<ServiceJwt> ServiceJwt::parse(std::string_view text, const Expected& expected) {
    jwt::Jwt jwt = TRY(jwt::parse(text));
    if (std::ranges::find(foreign_types, jwt.type()) != foreign_types.end())
        return refused("BadJwtType",
                       "a token of type " + std::string(jwt.type()) + " is no service token");
    if (jwt.algorithm() != "ES256K" && jwt.algorithm() != "ES256")
        return refused("BadJwt", "a service token is signed by ES256K or ES256");

    const std::optional<std::string_view> issuer_text = jwt.text("iss");
    const std::optional<std::string_view> audience = jwt.text("aud");
    const std::optional<std::int64_t> expires_s = jwt.number("exp");
    if (!issuer_text || !audience || !expires_s)
        return refused("BadJwt", "a service token has iss, aud and exp");
    std::string method = TRY(optional_text(jwt, "lxm"));
    std::string jti = TRY(optional_text(jwt, "jti"));
    if (jti.size() > limits::service_jwt_jti_bytes_max)
        return refused("BadJwt", "the token's jti is too long");

    TRY(check_time(*expires_s, expected.now.seconds(), !method.empty()));
    if (std::ranges::find(expected.own_dids, *audience) == expected.own_dids.end())
        return refused("BadJwtAudience", "the token is meant for another service");
    TRY(check_method(method, expected.method));
    Issuer issuer = TRY(parse_issuer(*issuer_text));

    ServiceJwt token(std::move(jwt), std::move(issuer.did));
    token.key_fragment_ = std::move(issuer.key_fragment);
    token.method_ = std::move(method);
    token.jti_ = std::move(jti);
    token.expires_s_ = *expires_s;
    return token;
}

Result<void> ServiceJwt::verify(const PublicKey& key) const {
    // Signers outside the protocol's own libraries do not all write the low s, and a second valid
    // signature gains nothing: replay is caught by the jti.
    if (jwt::verify_es(jwt_, key, SPolicy::any)) return {};
    return refused("BadJwtSignature", "the token's signature is not by its issuer's key");
}

}  // namespace roost::atproto
