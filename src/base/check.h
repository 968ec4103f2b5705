// check(): an invariant of ours. Stays on in release builds; a failure ends the process with the
// place and the reason, because going on with a broken invariant can lose data.
#pragma once

#include <source_location>
#include <string_view>

namespace roost {

[[noreturn]] void check_failed(std::string_view what, std::source_location where);

inline void check(bool holds, std::string_view what,
                  std::source_location where = std::source_location::current()) {
    if (!holds) [[unlikely]]
        check_failed(what, where);
}

}  // namespace roost
