// The session tokens: what they claim, how they are made and read.
//
// Access: typ at+jwt, two hours, claims scope, aud, sub, iat, exp as the reference server's, and
// "sid", the session that it belongs to. Refresh: typ refresh+jwt, 90 days, with jti. HS256 under
// PDS_JWT_SECRET. A token alone proves only that we issued it: whether its session still exists is
// asked of the database each time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "atproto/crypto/hmac.h"
#include "atproto/syntax/syntax.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace roost::pds {

// What a session may do. The words on the wire are the reference's.
enum class Scope { access, app_pass, app_pass_privileged, takendown };
std::string_view scope_text(Scope scope);
std::optional<Scope> parse_scope(std::string_view text);

struct AccessClaims {
    atproto::Did did;
    std::string session_id;
    Scope scope;
    std::int64_t expires_s = 0;  // unix time; set by read_access()
};

struct RefreshClaims {
    atproto::Did did;
    std::string session_id;
    std::string token_id;  // which token of the session's chain
};

enum class Expiry { enforced, ignored };

class Tokens {
  public:
    Tokens(const SecretText& jwt_secret, atproto::Did service_did);

    std::string access(const AccessClaims& claims, Timestamp now) const;
    // The same claims and expiry give the same text.
    std::string refresh(const RefreshClaims& claims, Timestamp expires_at) const;

    // Errors are Fault::invalid, as the reference's: ExpiredToken, InvalidToken.
    Result<AccessClaims> read_access(std::string_view jwt, Timestamp now) const;
    Result<RefreshClaims> read_refresh(std::string_view jwt, Timestamp now, Expiry expiry) const;

  private:
    atproto::HmacKey key_;
    atproto::Did service_did_;
};

}  // namespace roost::pds
