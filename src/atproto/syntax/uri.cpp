#include <array>

#include "atproto/syntax/chars.h"
#include "atproto/syntax/syntax.h"

namespace roost::atproto {

namespace {

constexpr std::size_t uri_size_max = 8 * 1024;

// Beyond ASCII, the UTF-8 of the characters that Unicode calls white space and of the byte order
// mark; U+2000 to U+200A are left to the range check below.
constexpr std::array<std::string_view, 9> wide_spaces{
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9",
    "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "\xef\xbb\xbf"};

bool is_word_char(char c) {
    return detail::is_alphanumeric(c) || c == '_';
}

// https://www.rfc-editor.org/rfc/rfc3986#section-3.1, or a word, as in the reference server.
bool is_scheme(std::string_view text) {
    if (text.empty()) return false;
    if (std::ranges::all_of(text, is_word_char)) return true;
    return detail::is_letter(text[0]) && std::ranges::all_of(text, [](char c) {
               return detail::is_alphanumeric(c) || c == '+' || c == '-' || c == '.';
           });
}

bool is_blank_or_control(char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
}

bool starts_with_wide_space(std::string_view text) {
    if (text.starts_with("\xe2\x80") && text.size() > 2 &&
        static_cast<unsigned char>(text[2]) <= 0x8a)
        return true;
    return std::ranges::any_of(wide_spaces,
                               [text](std::string_view space) { return text.starts_with(space); });
}

}  // namespace

bool is_uri(std::string_view text) {
    if (text.size() > uri_size_max) return false;
    const std::size_t scheme_size = text.find(':');
    if (scheme_size == std::string_view::npos || !is_scheme(text.substr(0, scheme_size)))
        return false;
    std::string_view rest = text.substr(scheme_size + 1);
    if (rest.empty() || rest == "//" || std::ranges::any_of(rest, is_blank_or_control))
        return false;
    for (; !rest.empty(); rest.remove_prefix(1))
        if (static_cast<unsigned char>(rest[0]) >= 0x80 && starts_with_wide_space(rest))
            return false;
    return true;
}

}  // namespace roost::atproto
