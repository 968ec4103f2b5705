// How the names of lexicon documents become C++ names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace roost::lexgen {

std::vector<std::string> split(std::string_view text, char separator);
// The name, with an underscore behind it where C++ or the generated structs use it already.
std::string member_name(std::string_view name);
std::string title_case(std::string_view name);       // "inviteCode" → "InviteCode"
std::string namespace_of(std::string_view nsid);     // "roost::lexicon::com::atproto::…"
std::string header_of(std::string_view nsid);        // "lexicon/com/atproto/….h"
std::string struct_of(std::string_view definition);  // "main" → "Main"
// The C++ name of a definition, "nsid#name" or "nsid".
std::string qualified_struct(std::string_view reference);
std::string cpp_literal(std::string_view text);  // as a C++ string literal

}  // namespace roost::lexgen
