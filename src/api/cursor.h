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
    if (error != std::errc() || rest != end) return Error::invalid("Malformed cursor");
    return number;
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
