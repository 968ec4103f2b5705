#include "atproto/syntax/chars.h"
#include "atproto/syntax/syntax.h"

namespace roost::atproto {

namespace {

// A domain name, a period, and the name.
constexpr std::size_t nsid_size_max = 253 + 1 + 63;
constexpr std::size_t segment_size_max = 63;

Error bad_nsid(std::string_view why) {
    return Error::invalid("Invalid NSID: " + std::string(why));
}

}  // namespace

Result<Nsid> Nsid::parse(std::string_view text) {
    if (text.size() > nsid_size_max) return bad_nsid("too long");
    if (!detail::hostname_chars.has_all_of(text))
        return bad_nsid("characters other than letters, digits, hyphens and periods");
    const std::size_t name_start = text.rfind('.') + 1;
    if (std::ranges::count(text, '.') < 2) return bad_nsid("fewer than three segments");

    std::string_view rest = text;
    bool is_first = true;
    while (rest.size() + name_start > text.size()) {
        std::string_view segment = detail::take_part(rest, '.');
        if (segment.empty()) return bad_nsid("empty segment");
        if (segment.size() > segment_size_max) return bad_nsid("segment too long");
        if (segment.starts_with('-') || segment.ends_with('-'))
            return bad_nsid("segment starts or ends with a hyphen");
        if (is_first && detail::is_digit(segment[0])) return bad_nsid("starts with a digit");
        is_first = false;
    }
    std::string_view name = text.substr(name_start);
    if (name.empty() || name.size() > segment_size_max) return bad_nsid("name empty or too long");
    if (!detail::is_letter(name[0]) || !std::ranges::all_of(name, detail::is_alphanumeric))
        return bad_nsid("name is not letters and digits that start with a letter");
    std::string normal(text);
    std::ranges::transform(text.substr(0, name_start), normal.begin(), detail::to_lower);
    return Nsid(std::move(normal));
}

}  // namespace roost::atproto
