#include "atproto/syntax/chars.h"
#include "atproto/syntax/syntax.h"

namespace roost::atproto {

namespace {

constexpr std::size_t did_size_max = 2048;
constexpr std::string_view did_prefix = "did:";

constexpr CharTable did_chars{[](char c) {
    return detail::is_alphanumeric(c) || c == '.' || c == '_' || c == ':' || c == '%' || c == '-';
}};

// The characters of a fragment in RFC 3986.
bool is_fragment_char(char c) {
    return detail::is_alphanumeric(c) || std::string_view("-._~!$&'()*+,;=:@/?%").contains(c);
}

}  // namespace

Result<Did> Did::parse(std::string_view text) {
    if (!text.starts_with(did_prefix)) return Error::invalid("DID does not begin with \"did:\"");
    if (text.size() > did_size_max) return Error::invalid("DID too long (2048 bytes at most)");
    if (!did_chars.has_all_of(text)) return Error::invalid("Invalid characters in DID");
    std::string_view rest = text.substr(did_prefix.size());
    const std::size_t method_size = rest.find(':');
    if (method_size == std::string_view::npos)
        return Error::invalid("DID has no part after its method");
    if (method_size == 0 || !std::ranges::all_of(rest.substr(0, method_size), detail::is_lower))
        return Error::invalid("DID method is not of lower-case letters");
    if (text.ends_with(':') || text.ends_with('%'))
        return Error::invalid("DID ends with \":\" or \"%\"");
    return Did(std::string(text));
}

std::string_view Did::method() const {
    std::string_view rest = std::string_view(text()).substr(did_prefix.size());
    return rest.substr(0, rest.find(':'));
}

bool is_did_with_fragment(std::string_view text) {
    const std::size_t hash = text.find('#');
    if (hash == std::string_view::npos) return Did::parse(text).has_value();
    std::string_view fragment = text.substr(hash + 1);
    return Did::parse(text.substr(0, hash)).has_value() && !fragment.empty() &&
           fragment.size() <= did_size_max && std::ranges::all_of(fragment, is_fragment_char);
}

}  // namespace roost::atproto
