#include "xrpc/auth.h"

#include <array>

#include "atproto/crypto/service_jwt.h"
#include "base/encoding.h"
#include "lexicon/com/atproto/server/createAccount.h"
#include "xrpc/limits.h"

namespace roost::xrpc {

namespace {

constexpr RateLimit admin_failures{"admin-failures", limits::admin_failures_max,
                                   limits::admin_failures_window_s};
constexpr RateLimit fresh_documents{"fresh-documents", limits::fresh_documents_max,
                                    limits::fresh_documents_window_s};

// What service tokens name as their key, and why one that is no good is refused.
constexpr std::string_view account_key = "atproto";
constexpr std::string_view labeler_key = "atproto_labeler";
constexpr const char* no_document = "could not resolve iss did";
constexpr const char* no_key = "missing or bad key in did doc";

Error missing() {
    return Error::unauthenticated("Authentication Required", "AuthMissing");
}
Error invalid_token(std::string message) {
    return Error::invalid(std::move(message), "InvalidToken");
}

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
    if (a.size() != lower.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if ((a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i]) != lower[i])
            return false;
    return true;
}

// Only service tokens do. Nothing is believed yet: this chooses how the token is checked.
bool names_method(std::string_view token) {
    const Result<atproto::jwt::Jwt> jwt = atproto::jwt::parse(token);
    return jwt.has_value() && jwt->payload.find("lxm") != nullptr;
}

bool is_loopback(const net::IpAddress& address) {
    static const net::IpAddress v6 = *net::IpAddress::parse("::1");
    return address == v6 || (address.is_v4() && address.bytes[12] == 127);
}

}  // namespace

struct Authenticator::Credentials {
    enum class Kind { none, bearer, basic };
    Kind kind = Kind::none;
    std::string_view token;  // of the request
};

Result<Authenticator::Credentials> Authenticator::read(const net::Request& request) {
    const std::optional<std::string_view> header = request.header("authorization");
    if (!header || header->empty()) return Credentials{};
    const std::size_t space = header->find(' ');
    if (space == std::string_view::npos || header->find(' ', space + 1) != std::string_view::npos)
        return invalid_token("Malformed authorization header");
    const std::string_view type = header->substr(0, space);
    const std::string_view token = header->substr(space + 1);
    if (equals_ignoring_case(type, "bearer")) return Credentials{Credentials::Kind::bearer, token};
    if (equals_ignoring_case(type, "basic")) return Credentials{Credentials::Kind::basic, token};
    return invalid_token("Unsupported authorization type: " + std::string(type));
}

Task<Result<Caller>> Authenticator::authenticate(const Call& call, const Rule& rule) {
    if (rule.needs == Needs::nothing) co_return Caller(Nobody{});
    Credentials credentials = CO_TRY(read(call.http));
    switch (rule.needs) {
        case Needs::nothing:
            break;
        case Needs::full_access:
        case Needs::standard_access:
            co_return co_await access(call, rule, credentials);
        case Needs::refresh_token:
        case Needs::refresh_token_even_expired:
            co_return refresh(call, rule, credentials);
        case Needs::admin:
            co_return admin(call, credentials);
        case Needs::admin_or_moderator:
            if (credentials.kind != Credentials::Kind::bearer) co_return admin(call, credentials);
            co_return co_await moderator(call, credentials);
        case Needs::optional_service:
            if (credentials.kind == Credentials::Kind::none) co_return Caller(Nobody{});
            co_return co_await service(call, credentials);
        case Needs::optional_access:
            if (credentials.kind == Credentials::Kind::none) co_return Caller(Nobody{});
            if (credentials.kind == Credentials::Kind::basic) co_return admin(call, credentials);
            co_return co_await access(call, rule, credentials);
        case Needs::standard_access_or_service:
            if (names_method(credentials.token)) co_return co_await service(call, credentials);
            co_return co_await access(call, rule, credentials);
        case Needs::standard_access_or_moderator: {
            // Clients act upon what is said of access tokens.
            Result<Caller> found = co_await moderator(call, credentials);
            if (found.has_value()) co_return found;
            co_return co_await access(call, rule, credentials);
        }
    }
    co_return Caller(Nobody{});
}

Task<Result<Caller>> Authenticator::access(const Call& call, const Rule& rule,
                                           Credentials credentials) {
    if (credentials.kind == Credentials::Kind::none) co_return missing();
    if (credentials.kind != Credentials::Kind::bearer)
        co_return invalid_token("Unexpected authorization type");
    User user = CO_TRY(co_await sessions_.authenticate(credentials.token, call.time));
    const bool is_allowed = [&] {
        switch (user->scope) {
            case pds::Scope::access:
                return true;
            case pds::Scope::app_pass:
            case pds::Scope::app_pass_privileged:
                return rule.needs != Needs::full_access;
            case pds::Scope::takendown:
                return rule.takendown == TakendownCallers::allowed;
        }
        return false;
    }();
    if (!is_allowed) co_return invalid_token("Bad token scope");
    co_return Caller(std::move(user));
}

Result<Caller> Authenticator::refresh(const Call& call, const Rule& rule,
                                      const Credentials& credentials) {
    if (credentials.kind != Credentials::Kind::bearer) return missing();
    const pds::Expiry expiry = rule.needs == Needs::refresh_token_even_expired
                                   ? pds::Expiry::ignored
                                   : pds::Expiry::enforced;
    return Caller(
        RefreshBearer { TRY(tokens_.read_refresh(credentials.token, call.time, expiry)) });
}

Result<Caller> Authenticator::admin(const Call& call, const Credentials& credentials) {
    const auto refuse = [] { return Error::unauthenticated("Authentication Required"); };
    if (credentials.kind != Credentials::Kind::basic) return refuse();
    if (options_.admin_from == AdminFrom::loopback_only && !is_loopback(call.client))
        return Error::forbidden("Admin methods are answered on this machine only");
    const std::string address = call.client.network().text();
    if (const RateStatus status = rates_.peek(admin_failures, address, call.time);
        status.is_exceeded)
        return rate_limited(status, call.time);
    const std::optional<Bytes> decoded = base64_decode(credentials.token);
    const SecretText expected("admin:" + options_.admin_password.reveal());
    if (decoded && equal_in_constant_time(*decoded, as_bytes(expected.reveal())))
        return Caller(Admin{});
    rates_.consume(admin_failures, address, call.time);
    return refuse();
}

Result<atproto::ServiceJwt> Authenticator::parse_service_token(
    const Call& call, const Credentials& credentials) const {
    // Both forms of an audience are in use: https://atproto.com/specs/xrpc
    const std::array own_dids{options_.service_did.text(),
                              options_.service_did.text() + "#atproto_pds"};
    return atproto::ServiceJwt::parse(
        credentials.token, {.now = call.time, .own_dids = own_dids, .method = call.nsid});
}

struct Authenticator::Unproven {
    Error no_document;
    Error no_key;
};

Task<Result<void>> Authenticator::prove(const atproto::ServiceJwt& jwt, Unproven errors,
                                        Timestamp time) {
    const auto judge = [&](const pds::FoundDocument& found) -> Result<void> {
        if (!found.has_value() || !found->has_value()) return errors.no_document;
        const atproto::DidDocument& document = **found;
        // A labeler signs with the key of its labels.
        const std::optional<atproto::PublicKey> key = jwt.key_fragment() == labeler_key
                                                          ? document.key("atproto_label")
                                                          : document.signing_key();
        if (!key) return errors.no_key;
        return jwt.verify(*key);
    };
    const Result<void> verdict =
        judge(co_await resolver_.remembered_did_document(jwt.issuer(), time));
    if (verdict.has_value() ||
        rates_.consume(fresh_documents, jwt.issuer().text(), time).is_exceeded)
        co_return verdict;
    co_return judge(co_await resolver_.did_document(jwt.issuer()));
}

Task<Result<Caller>> Authenticator::moderator(const Call& call, Credentials credentials) {
    const auto untrusted = [] {
        return Error::unauthenticated("Untrusted issuer", "UntrustedIss");
    };
    if (!options_.moderator_did) co_return untrusted();
    const atproto::ServiceJwt jwt = CO_TRY(parse_service_token(call, credentials));
    const bool is_of_service =
        jwt.key_fragment() == labeler_key || jwt.key_fragment() == account_key;
    if (jwt.issuer() != *options_.moderator_did || !is_of_service) co_return untrusted();
    CO_TRY(co_await prove(jwt,
                          {.no_document = Error::unauthenticated(no_document),
                           .no_key = Error::unauthenticated(no_key)},
                          call.time));
    CO_TRY(remember(jwt.issuer().text(), jwt.jti(), jwt.expires_s(), call.time));
    co_return Caller(Moderator{jwt.issuer()});
}

Task<Result<Caller>> Authenticator::service(const Call& call, Credentials credentials) {
    if (credentials.kind != Credentials::Kind::bearer)
        co_return Error::unauthenticated("missing jwt", "MissingJwt");
    const atproto::ServiceJwt jwt = CO_TRY(parse_service_token(call, credentials));
    namespace errors = lexicon::com::atproto::server::createAccount::errors;
    const Unproven unproven{
        .no_document = Error::invalid(no_document, std::string(errors::UnresolvableDid.text())),
        .no_key = Error::invalid(no_key, std::string(errors::IncompatibleDidDoc.text()))};
    // Only the account's own key speaks for the account; other keys of the document have other
    // uses.
    if (jwt.key_fragment() != account_key) co_return unproven.no_key;
    CO_TRY(co_await prove(jwt, unproven, call.time));
    CO_TRY(remember(jwt.issuer().text(), jwt.jti(), jwt.expires_s(), call.time));
    co_return Caller(OtherService{jwt.issuer()});
}

Result<void> Authenticator::remember(std::string_view issuer, std::string_view jti,
                                     std::int64_t expires_s, Timestamp now) {
    if (jti.empty()) return {};
    std::string key(issuer);
    key += '\n';
    key += jti;
    const std::lock_guard lock(mutex_);
    if (seen_jti_.size() >= limits::seen_service_tokens_max) {
        std::erase_if(seen_jti_, [&](const auto& seen) { return seen.second < now.seconds(); });
        if (seen_jti_.size() >= limits::seen_service_tokens_max)
            return Error::unavailable("Too many service log-ins at once", 60);
    }
    if (!seen_jti_.emplace(std::move(key), expires_s).second)
        return Error::unauthenticated("jwt was used before", "JwtReplayed");
    return {};
}

}  // namespace roost::xrpc
