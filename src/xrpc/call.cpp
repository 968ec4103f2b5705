#include "xrpc/call.h"

#include "base/check.h"

namespace roost::xrpc {

const pds::Authenticated& Call::user() const {
    const User* found = std::get_if<User>(&caller);
    check(found != nullptr, "the rule of this method asks for a user");
    return **found;
}

const pds::RefreshClaims& Call::refresh_claims() const {
    const RefreshBearer* found = std::get_if<RefreshBearer>(&caller);
    check(found != nullptr, "the rule of this method asks for a refresh token");
    return found->claims;
}

const atproto::Did* Call::caller_did() const {
    if (const User* found = std::get_if<User>(&caller)) return &(*found)->account.did;
    if (const OtherService* found = std::get_if<OtherService>(&caller)) return &found->did;
    return nullptr;
}

}  // namespace roost::xrpc
