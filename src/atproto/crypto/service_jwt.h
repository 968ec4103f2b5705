// Service auth: a token by which one server of the network speaks to another for an account. The
// account's signing key signs it; the receiver finds that key in the account's DID document.
//
// Receiving takes two steps, because the key is found between them:
//
//     ServiceJwt jwt = TRY(ServiceJwt::parse(text, {.now = now, .own_dids = ours, .method =
//     nsid})); PublicKey key = … the key of jwt.issuer(), jwt.key_fragment() …
//     TRY(jwt.verify(key));      // on failure once more, with the key of a fresh document
//
// Whether the token's jti was seen before is for the caller to remember, until expires_s().
// https://atproto.com/specs/xrpc#inter-service-authentication-jwt
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "atproto/crypto/jwt.h"
#include "atproto/crypto/keys.h"
#include "atproto/syntax/syntax.h"
#include "base/clock.h"
#include "base/result.h"

namespace roost::atproto {

struct ServiceJwtOrder {
    std::string_view issuer;                 // a DID, or a DID and a fragment
    std::string_view audience;               // the same
    std::optional<std::string_view> method;  // the NSID it is good for; none: for any
    Timestamp now;
    std::int64_t lifetime_s = 60;
};
// With a random jti.
std::string create_service_jwt(const PrivateKey& key, const ServiceJwtOrder& order);

class ServiceJwt {
  public:
    struct Expected {
        Timestamp now;
        // The audiences that mean us, each written as a token may write it.
        std::span<const std::string> own_dids;
        // The NSID of the method called; none where tokens for any method are taken, which then
        // may also lack one.
        std::optional<std::string_view> method;
    };
    // Form and claims, cheapest first. Errors, all Fault::unauthenticated: BadJwt, BadJwtType,
    // JwtExpired, BadJwtAudience, BadJwtLexiconMethod, BadJwtIss.
    // The text must outlive the result.
    static Result<ServiceJwt> parse(std::string_view text, const Expected& expected);

    // Error: Fault::unauthenticated, "BadJwtSignature".
    Result<void> verify(const PublicKey& key) const;

    const Did& issuer() const { return issuer_; }
    // Which key of the issuer's document signs: "atproto", or what follows '#' in the claim.
    const std::string& key_fragment() const { return key_fragment_; }
    // Empty for a token that is good for every method.
    std::string_view method() const { return method_; }
    std::string_view jti() const { return jti_; }  // empty if absent
    std::int64_t expires_s() const { return expires_s_; }

  private:
    ServiceJwt(jwt::Jwt jwt, Did issuer) : jwt_(std::move(jwt)), issuer_(std::move(issuer)) {}

    jwt::Jwt jwt_;
    Did issuer_;
    std::string key_fragment_;
    std::string method_;
    std::string jti_;
    std::int64_t expires_s_ = 0;
};

}  // namespace roost::atproto
