// Whether a handle below a service domain is free, and which similar ones are.
//
// What is told is what anybody can find out by resolving handles; e-mail addresses of accounts play
// no part. https://atproto.com/specs/handle
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/syntax/syntax.h"
#include "base/result.h"
#include "db/transaction.h"
#include "pds/accounts/handle_policy.h"

namespace roost::pds {

struct HandleWish {
    atproto::Handle handle;
    std::optional<std::string> email;  // of who wishes: its first part may be a name they like
};
struct HandleSuggestion {
    atproto::Handle handle;
    std::string_view method;  // how it was found: a literal, for statistics
};
struct Availability {
    bool is_free = false;
    std::vector<HandleSuggestion> suggestions;  // if it is not free; at most five
};

// A handle that this server gives to nobody (reserved) is not free. Errors: InvalidHandle,
// UnsupportedDomain (a domain of the owner's own is theirs to give).
Result<Availability> check_availability(db::Transaction& t, const HandlePolicy& policy,
                                        const HandleWish& wish);

}  // namespace roost::pds
