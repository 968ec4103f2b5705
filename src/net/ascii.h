// The few character classes of HTTP. ASCII only, whatever the locale.
// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
#pragma once

#include <string_view>

#include "base/char_table.h"

namespace roost::net {

constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_alphanumeric(char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

inline constexpr CharTable token_chars{[](char c) {
    return is_alphanumeric(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}};
constexpr bool is_token_char(char c) {
    return token_chars.has(c);
}
constexpr bool is_token(std::string_view text) {
    return !text.empty() && token_chars.has_all_of(text);
}

// The next two have no way out of their loops, so that these take many characters at a time.
constexpr bool is_one_line(std::string_view text) {
    bool is_fine = true;
    for (const char c : text)
        is_fine &= c != '\r' && c != '\n' && c != '\0';
    return is_fine;
}
// Without control characters but the tab.
constexpr bool is_field_text(std::string_view text) {
    bool is_fine = true;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        is_fine &= (byte >= 0x20 && byte != 0x7f) || byte == '\t';
    }
    return is_fine;
}

// Without the blanks around it.
constexpr std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

constexpr bool equals_lower_case(std::string_view text, std::string_view lower_case) {
    if (text.size() != lower_case.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (to_lower(text[i]) != lower_case[i]) return false;
    return true;
}

}  // namespace roost::net
