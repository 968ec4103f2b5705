// An http or https URL, taken apart for fetching. Stricter than browsers: no user, no odd
// characters. https://www.rfc-editor.org/rfc/rfc3986
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roost::net {

struct Url {
    bool is_https = true;
    std::string host;  // lower case; an IPv6 address without its brackets
    std::uint16_t port = 443;
    std::string target;       // path and query, at least "/"; without the fragment
    std::string host_header;  // with the port if it is not the scheme's own

    // Also forms that only some resolvers take for an address, such as "127.1" and "0x7f000001".
    bool is_ip_literal = false;

    static std::optional<Url> parse(std::string_view text);
};

}  // namespace roost::net
