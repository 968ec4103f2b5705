#include "pds/mail/email_address.h"

#include <algorithm>

#include "pds/mail/limits.h"

namespace roost::pds::mail {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_letter_or_digit(char c) {
    return is_letter(c) || is_digit(c);
}

// RFC 5322 section 3.2.3: atext.
bool is_atom_char(char c) {
    constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~";
    return is_letter_or_digit(c) || others.find(c) != std::string_view::npos;
}

bool is_atom(std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, is_atom_char);
}

bool is_label(std::string_view part) {
    return !part.empty() && part.size() <= domain_label_bytes_max && part.front() != '-' &&
           part.back() != '-' &&
           std::ranges::all_of(part, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

// Whether there are at least `parts_min` parts between dots, each of which passes.
template <class Check>
bool all_parts(std::string_view text, std::size_t parts_min, Check passes) {
    std::size_t count = 0;
    while (true) {
        const std::size_t dot = text.find('.');
        if (!passes(text.substr(0, dot))) return false;
        ++count;
        if (dot == std::string_view::npos) return count >= parts_min;
        text.remove_prefix(dot + 1);
    }
}

// The last label of a domain name is never a number: 10.0.0.1 is an address of a machine.
bool is_top_level(std::string_view label) {
    return std::ranges::any_of(label, is_letter);
}

}  // namespace

bool is_email_address(std::string_view text) {
    if (text.size() > address_bytes_max) return false;
    const std::size_t at = text.find('@');
    if (at == std::string_view::npos) return false;
    const std::string_view local = text.substr(0, at);
    const std::string_view domain = text.substr(at + 1);
    return local.size() <= local_part_bytes_max && all_parts(local, 1, is_atom) &&
           all_parts(domain, 2, is_label) && is_top_level(domain.substr(domain.rfind('.') + 1));
}

std::string normalize_email(std::string_view address) {
    std::string lower(address);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

std::string_view domain_of(std::string_view address) {
    const std::size_t at = address.rfind('@');
    return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

}  // namespace roost::pds::mail
