#include "pds/proxying/closed_methods.h"

#include <algorithm>
#include <array>

#include "net/ascii.h"

namespace roost::pds {

namespace {

using namespace std::string_view_literals;

// In lower case.
constexpr std::array protected_methods{
    "com.atproto.admin.sendemail"sv,
    "com.atproto.identity.requestplcoperationsignature"sv,
    "com.atproto.identity.signplcoperation"sv,
    "com.atproto.identity.updatehandle"sv,
    "com.atproto.server.activateaccount"sv,
    "com.atproto.server.confirmemail"sv,
    "com.atproto.server.createapppassword"sv,
    "com.atproto.server.deactivateaccount"sv,
    "com.atproto.server.getaccountinvitecodes"sv,
    "com.atproto.server.getsession"sv,
    "com.atproto.server.listapppasswords"sv,
    "com.atproto.server.requestaccountdelete"sv,
    "com.atproto.server.requestemailconfirmation"sv,
    "com.atproto.server.requestemailupdate"sv,
    "com.atproto.server.revokeapppassword"sv,
    "com.atproto.server.updateemail"sv,
};

constexpr std::string_view create_account = "com.atproto.server.createaccount";
constexpr std::string_view messages = "chat.bsky.";

}  // namespace

bool is_protected_method(std::string_view nsid) {
    return std::ranges::any_of(protected_methods, [&](std::string_view method) {
        return net::equals_lower_case(nsid, method);
    });
}

bool is_privileged_method(std::string_view nsid) {
    return net::equals_lower_case(nsid, create_account) ||
           net::equals_lower_case(nsid.substr(0, messages.size()), messages);
}

}  // namespace roost::pds
