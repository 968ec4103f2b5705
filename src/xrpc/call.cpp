#include "xrpc/call.h"

#include "base/check.h"

namespace roost::xrpc {

const User& Call::user() const {
    const User* found = std::get_if<User>(&caller);
    check(found != nullptr, "the rule of this method asks for a user");
    return *found;
}

const pds::RefreshClaims& Call::refresh_claims() const {
    const RefreshBearer* found = std::get_if<RefreshBearer>(&caller);
    check(found != nullptr, "the rule of this method asks for a refresh token");
    return found->claims;
}

}  // namespace roost::xrpc
