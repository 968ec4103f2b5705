// Turns the credentials of a request into a Caller, or says why not.
//
// The statuses and error names are the reference server's, which clients act upon: 401 AuthMissing
// without credentials, 400 ExpiredToken (refresh and retry), 400 InvalidToken (give up).
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "pds/accounts/sessions.h"
#include "pds/accounts/tokens.h"
#include "pds/identity/resolver.h"
#include "xrpc/call.h"
#include "xrpc/rate_limit.h"

namespace roost::atproto {
class ServiceJwt;
}

namespace roost::xrpc {

enum class AdminFrom { anywhere, loopback_only };

class Authenticator {
  public:
    struct Options {
        SecretText admin_password;
        AdminFrom admin_from;
        atproto::Did service_did;
        // Whose tokens are taken for a moderator's; none: nobody's.
        std::optional<atproto::Did> moderator_did = std::nullopt;
    };
    Authenticator(pds::Sessions& sessions, const pds::Tokens& tokens, pds::Resolver& resolver,
                  RateLimiter& rates, Options options)
        : sessions_(sessions),
          tokens_(tokens),
          resolver_(resolver),
          rates_(rates),
          options_(std::move(options)) {}

    Task<Result<Caller>> authenticate(const Call& call, const Rule& rule);

  private:
    struct Credentials;
    static Result<Credentials> read(const net::Request& request);
    Task<Result<Caller>> access(const Call& call, const Rule& rule, Credentials credentials);
    Result<Caller> refresh(const Call& call, const Rule& rule, const Credentials& credentials);
    Result<Caller> admin(const Call& call, const Credentials& credentials);
    Task<Result<Caller>> moderator(const Call& call, Credentials credentials);
    Task<Result<Caller>> service(const Call& call, Credentials credentials);
    Result<atproto::ServiceJwt> parse_service_token(const Call& call,
                                                    const Credentials& credentials) const;
    // Whether the token's issuer signed it, by the document that is remembered or, if that does not
    // prove it, by today's: a new key is known at once.
    struct Unproven;
    Task<Result<void>> prove(const atproto::ServiceJwt& jwt, Unproven errors, Timestamp time);
    // Each service token is good once.
    Result<void> remember(std::string_view issuer, std::string_view jti, std::int64_t expires_s,
                          Timestamp now);

    pds::Sessions& sessions_;
    const pds::Tokens& tokens_;
    pds::Resolver& resolver_;
    RateLimiter& rates_;
    Options options_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::int64_t> seen_jti_;  // until, in unix seconds
};

}  // namespace roost::xrpc
