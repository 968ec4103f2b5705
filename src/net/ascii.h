// The few character classes of HTTP. ASCII only, whatever the locale.
// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
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

// A byte below 0x20, or 0x7f. Looks at eight bytes at a time.
inline bool has_control(std::string_view text) {
    constexpr std::uint64_t ones = ~std::uint64_t{0} / 255;
    std::uint64_t found = 0;  // the high bit of some byte, if there is one
    const auto look_at = [&](std::uint64_t eight) {
        const std::uint64_t zero_for_del = eight ^ (ones * 0x7f);
        found |= ((eight - ones * 0x20) & ~eight) | ((zero_for_del - ones) & ~zero_for_del);
    };
    std::uint64_t eight = 0;
    for (; text.size() >= sizeof(eight); text.remove_prefix(sizeof(eight))) {
        std::memcpy(&eight, text.data(), sizeof(eight));
        look_at(eight);
    }
    eight = ones * 0x20;
    for (std::size_t i = 0; i < text.size(); ++i)
        eight = eight << 8 | static_cast<unsigned char>(text[i]);
    look_at(eight);
    return (found & ones * 0x80) != 0;
}
inline bool is_one_line(std::string_view text) {
    return !has_control(text) || text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}
// Without control characters but the tab.
inline bool is_field_text(std::string_view text) {
    return !has_control(text) || std::ranges::all_of(text, [](unsigned char byte) {
        return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
    });
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
