// Whether bytes are UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. Pure; fast for
// ASCII.
#pragma once

#include <string_view>

namespace roost::atproto {

bool is_utf8(std::string_view text);

}  // namespace roost::atproto
