#include "pds/proxying/closed_methods.h"

#include <algorithm>
#include <array>
#include <string>

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
static_assert(std::ranges::is_sorted(protected_methods));

constexpr std::string_view create_account = "com.atproto.server.createaccount";
constexpr std::string_view messages = "chat.bsky.";

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return lower;
}

}  // namespace

bool is_protected_method(std::string_view nsid) {
    return std::ranges::binary_search(protected_methods, lower_case(nsid));
}

bool is_privileged_method(std::string_view nsid) {
    const std::string lower = lower_case(nsid);
    return lower == create_account || lower.starts_with(messages);
}

}  // namespace roost::pds
