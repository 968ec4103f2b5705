// Methods that are never called on another server in an account's name, or not by everybody.
#pragma once

#include <string_view>

namespace roost::pds {

// Managing the account itself is for this server alone, never for another on its behalf. Letters
// of any case: servers differ in whether they tell them apart.
bool is_protected_method(std::string_view nsid);

// What an app password needs its privilege for: creating the account elsewhere, and messages.
bool is_privileged_method(std::string_view nsid);

}  // namespace roost::pds
