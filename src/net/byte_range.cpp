#include "net/byte_range.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/ascii.h"

namespace roost::net {

namespace {

// Digits only. What is too large to count is as good as the largest number.
std::optional<std::int64_t> parse_number(std::string_view text) {
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() ? number : INT64_MAX;
}

}  // namespace

ByteRange parse_range(std::string_view header, std::int64_t total) {
    const ByteRange whole{ByteRange::Kind::whole, 0, total};
    const std::size_t equals = header.find('=');
    if (equals == std::string_view::npos ||
        !equals_lower_case(trimmed(header.substr(0, equals)), "bytes"))
        return whole;
    const std::string_view spec = trimmed(header.substr(equals + 1));
    const std::size_t dash = spec.find('-');
    if (dash == std::string_view::npos) return whole;
    const std::string_view left = spec.substr(0, dash), right = spec.substr(dash + 1);
    const std::optional<std::int64_t> first = parse_number(left);
    const std::optional<std::int64_t> last = parse_number(right);
    if ((!left.empty() && !first) || (!right.empty() && !last) || (!first && !last)) return whole;
    const ByteRange nothing{ByteRange::Kind::unsatisfiable, 0, 0};
    if (!first) {  // the last so many bytes
        const std::int64_t size = std::min(*last, total);
        if (size == 0) return nothing;
        return {ByteRange::Kind::part, total - size, size};
    }
    if (last && *last < *first) return whole;
    if (*first >= total) return nothing;
    const std::int64_t end = last ? std::min(*last, total - 1) : total - 1;
    return {ByteRange::Kind::part, *first, end - *first + 1};
}

std::string content_range(const ByteRange& range, std::int64_t total) {
    if (range.kind == ByteRange::Kind::unsatisfiable) return "bytes */" + std::to_string(total);
    return "bytes " + std::to_string(range.first) + "-" +
           std::to_string(range.first + range.size - 1) + "/" + std::to_string(total);
}

bool has_entity_tag(std::string_view list, std::string_view tag) {
    list = trimmed(list);
    if (list == "*") return true;
    while (!list.empty()) {
        if (list.starts_with("W/")) list.remove_prefix(2);  // a weak comparison will do
        if (!list.starts_with('"')) return false;
        const std::size_t end = list.find('"', 1);
        if (end == std::string_view::npos) return false;
        if (list.substr(0, end + 1) == tag) return true;
        list = trimmed(list.substr(end + 1));
        if (!list.starts_with(',')) return false;
        list = trimmed(list.substr(1));
    }
    return false;
}

}  // namespace roost::net
