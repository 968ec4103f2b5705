#include "pds/accounts/tokens.h"

#include <algorithm>
#include <array>
#include <utility>

#include "atproto/crypto/jwt.h"
#include "atproto/data/json.h"
#include "base/check.h"
#include "pds/error_names.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

namespace json = atproto::json;
namespace jwt = atproto::jwt;

constexpr std::string_view access_type = "at+jwt";
constexpr std::string_view refresh_type = "refresh+jwt";
constexpr std::string_view refresh_scope = "com.atproto.refresh";

constexpr std::array<std::pair<Scope, std::string_view>, 4> scopes{{
    {Scope::access, "com.atproto.access"},
    {Scope::app_pass, "com.atproto.appPass"},
    {Scope::app_pass_privileged, "com.atproto.appPassPrivileged"},
    {Scope::takendown, "com.atproto.takendown"},
}};

Error invalid_token(std::string message) {
    return refusal(std::move(message), error_names::InvalidToken);
}

void append_claim(std::string& out, std::string_view name, std::string_view value) {
    out += out.empty() ? "{\"" : ",\"";
    out += name;
    out += "\":";
    json::append_string(out, value);
}
void append_claim(std::string& out, std::string_view name, std::int64_t value) {
    out += ",\"";
    out += name;
    out += "\":";
    json::append_int(out, value);
}

// What both kinds share: genuine, of the expected type, for this server, not out of time.
Result<jwt::Jwt> read(const atproto::HmacKey& key, const atproto::Did& service_did,
                      std::string_view text, std::string_view type, Timestamp now, Expiry expiry) {
    Result<jwt::Jwt> token = jwt::parse(text);
    if (!token.has_value()) return invalid_token("Token could not be verified");
    if (token->type() != type || !jwt::verify_hs256(*token, key))
        return invalid_token("Token could not be verified");
    const std::optional<std::int64_t> expires_s = token->number("exp");
    if (!expires_s || !token->number("iat") || token->text("aud") != service_did.text())
        return invalid_token("Token could not be verified");
    if (expiry == Expiry::enforced && *expires_s <= now.seconds())
        return refusal("Token has expired", error_names::ExpiredToken);
    // A service auth or proof-of-possession token is never a session token.
    if (token->payload.find("lxm") != nullptr || token->payload.find("cnf") != nullptr)
        return invalid_token("Malformed token");
    return token;
}

Result<atproto::Did> subject(const jwt::Jwt& token) {
    const std::optional<std::string_view> sub = token.text("sub");
    if (!sub) return invalid_token("Malformed token");
    Result<atproto::Did> did = atproto::Did::parse(*sub);
    if (!did.has_value()) return invalid_token("Malformed token");
    return did;
}

}  // namespace

std::string_view scope_text(Scope scope) {
    for (const auto& [value, text] : scopes)
        if (value == scope) return text;
    check(false, "a scope has a text");
    return {};
}

std::optional<Scope> parse_scope(std::string_view wanted) {
    for (const auto& [value, text] : scopes)
        if (text == wanted) return value;
    return std::nullopt;
}

Tokens::Tokens(const SecretText& jwt_secret, atproto::Did service_did)
    : key_(SecretBytes(to_bytes(jwt_secret.reveal()))), service_did_(std::move(service_did)) {}

std::string Tokens::access(const AccessClaims& claims, Timestamp now) const {
    std::string payload;
    append_claim(payload, "scope", scope_text(claims.scope));
    append_claim(payload, "aud", service_did_.text());
    append_claim(payload, "sub", claims.did.text());
    append_claim(payload, "iat", now.seconds());
    append_claim(payload, "exp", now.seconds() + limits::access_token_s);
    append_claim(payload, "sid", claims.session_id);
    payload += '}';
    return jwt::sign_hs256(key_, access_type, payload);
}

std::string Tokens::refresh(const RefreshClaims& claims, Timestamp expires_at) const {
    std::string payload;
    append_claim(payload, "scope", refresh_scope);
    append_claim(payload, "aud", service_did_.text());
    append_claim(payload, "sub", claims.did.text());
    append_claim(payload, "jti", claims.session_id + "." + claims.token_id);
    append_claim(payload, "iat", expires_at.seconds() - limits::refresh_token_s);
    append_claim(payload, "exp", expires_at.seconds());
    payload += '}';
    return jwt::sign_hs256(key_, refresh_type, payload);
}

Result<AccessClaims> Tokens::read_access(std::string_view text, Timestamp now) const {
    const jwt::Jwt token = TRY(read(key_, service_did_, text, access_type, now, Expiry::enforced));
    atproto::Did did = TRY(subject(token));
    const std::optional<Scope> scope = parse_scope(token.text("scope").value_or(""));
    if (!scope) return invalid_token("Bad token scope");
    const std::optional<std::string_view> session_id = token.text("sid");
    if (!session_id) return invalid_token("Malformed token");
    return AccessClaims{std::move(did), std::string(*session_id), *scope, *token.number("exp")};
}

Result<RefreshClaims> Tokens::read_refresh(std::string_view text, Timestamp now,
                                           Expiry expiry) const {
    const jwt::Jwt token = TRY(read(key_, service_did_, text, refresh_type, now, expiry));
    atproto::Did did = TRY(subject(token));
    if (token.text("scope") != refresh_scope) return invalid_token("Bad token scope");
    const std::optional<std::string_view> jti = token.text("jti");
    if (!jti)
        return Error::unauthenticated("Unexpected missing refresh token id", "MissingTokenId");
    // A jti of another form names no session that there is.
    const std::size_t dot = std::min(jti->find('.'), jti->size());
    return RefreshClaims{std::move(did), std::string(jti->substr(0, dot)),
                         std::string(jti->substr(std::min(dot + 1, jti->size())))};
}

}  // namespace roost::pds
