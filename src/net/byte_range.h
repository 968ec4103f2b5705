// The part of a representation that a request asks for. Pure.
// https://www.rfc-editor.org/rfc/rfc9110#section-14
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace roost::net {

struct ByteRange {
    enum class Kind {
        whole,          // no range, or one that is to be ignored: malformed, several, another unit
        part,           // 206
        unsatisfiable,  // 416: nothing of it is there
    };
    Kind kind = Kind::whole;
    std::int64_t first = 0;
    std::int64_t size = 0;

    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// The header's value, for a representation of so many bytes.
ByteRange parse_range(std::string_view header, std::int64_t total);

// The value of Content-Range: "bytes 0-99/1234", "bytes */1234".
std::string content_range(const ByteRange& range, std::int64_t total);

// Whether a list of entity tags (If-None-Match) has this one, which comes in its quotes.
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
bool has_entity_tag(std::string_view list, std::string_view tag);

}  // namespace roost::net
