#include <array>

#include "atproto/syntax/chars.h"
#include "atproto/syntax/syntax.h"

namespace roost::atproto {

namespace {

// The limits of DNS names (RFC 1035, section 2.3.4).
constexpr std::size_t handle_size_max = 253;
constexpr std::size_t label_size_max = 63;

// https://atproto.com/specs/handle#additional-non-syntax-restrictions
constexpr std::array<std::string_view, 8> excluded_tlds{
    ".alt", ".arpa", ".example", ".internal", ".invalid", ".local", ".localhost", ".onion"};

Error bad_handle(std::string message) {
    return Error::invalid(std::move(message), "InvalidHandle");
}

}  // namespace

Result<Handle> Handle::parse(std::string_view text) {
    if (!detail::hostname_chars.has_all_of(text)) return bad_handle("Invalid characters in handle");
    if (text.size() > handle_size_max) return bad_handle("Handle too long");
    if (!text.contains('.')) return bad_handle("Handle needs at least two parts");
    std::string_view rest = text;
    for (std::size_t dots = 1 + static_cast<std::size_t>(std::ranges::count(text, '.')); dots > 0;
         --dots) {
        std::string_view label = detail::take_part(rest, '.');
        if (label.empty()) return bad_handle("Handle parts can not be empty");
        if (label.size() > label_size_max) return bad_handle("Handle part too long");
        if (label.starts_with('-') || label.ends_with('-'))
            return bad_handle("Handle parts can not start or end with hyphens");
        if (dots == 1 && !detail::is_letter(label[0]))
            return bad_handle("Handle top-level domain must start with a letter");
    }
    return Handle(detail::lower_cased(text));
}

bool Handle::has_allowed_tld() const {
    return std::ranges::none_of(excluded_tlds,
                                [this](std::string_view tld) { return text().ends_with(tld); });
}

bool is_at_identifier(std::string_view text) {
    return text.starts_with("did:") ? Did::parse(text).has_value()
                                    : Handle::parse(text).has_value();
}

}  // namespace roost::atproto
