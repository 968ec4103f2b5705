// Cursors that are the number of the last row that was shown.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace roost::api {

// 0, before all rows, without one. Errors: Fault::invalid.
inline Result<std::int64_t> read_number_cursor(const std::optional<std::string>& cursor) {
    std::int64_t number = 0;
    if (!cursor) return number;
    const char* end = cursor->data() + cursor->size();
    const auto [rest, error] = std::from_chars(cursor->data(), end, number);
    if (error != std::errc() || rest != end) return Error::invalid("Malformed cursor");
    return number;
}

}  // namespace roost::api
