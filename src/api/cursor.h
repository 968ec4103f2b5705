// Cursors that name the last row that was shown: by its number, or by its CID.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "atproto/data/cid.h"
#include "base/result.h"

namespace roost::api {

// 0, before all rows, without one. Errors: Fault::invalid.
inline Result<std::int64_t> read_number_cursor(const std::optional<std::string>& cursor) {
    std::int64_t number = 0;
    if (!cursor) return number;
    const char* end = cursor->data() + cursor->size();
    const auto [rest, error] = std::from_chars(cursor->data(), end, number);
    if (error != std::errc() || rest != end || number < 0)
        return Error::invalid("Malformed cursor");
    return number;
}

// The cursor after a page that ends with that number; none if it is not full, as it is the last.
inline std::optional<std::string> number_cursor(std::size_t shown, std::int64_t limit,
                                                std::int64_t last) {
    if (static_cast<std::int64_t>(shown) < limit) return std::nullopt;
    return std::to_string(last);
}

// None, before all, without one. Errors: Fault::invalid.
inline Result<std::optional<atproto::Cid>> read_cid_cursor(
    const std::optional<std::string>& cursor) {
    if (!cursor) return std::nullopt;
    const Result<atproto::Cid> cid = atproto::Cid::parse(*cursor);
    if (!cid.has_value()) return Error::invalid("Malformed cursor");
    return *cid;
}

}  // namespace roost::api
