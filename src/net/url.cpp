#include "net/url.h"

#include <algorithm>
#include <charconv>

#include "net/ascii.h"
#include "net/http.h"
#include "net/limits.h"

namespace roost::net {

namespace {

constexpr std::size_t host_bytes_max = 253;  // of DNS

constexpr CharTable url_chars{[](char c) {
    return c > ' ' && c < 127 && std::string_view("\\\"<>^`{|}").find(c) == std::string_view::npos;
}};

bool is_name(std::string_view host) {
    if (host.empty() || host.size() > host_bytes_max) return false;
    if (host.front() == '.' || host.find("..") != std::string_view::npos) return false;
    return std::ranges::all_of(
        host, [](char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_'; });
}

// The host's last label is a number: whoever reads it generously sees an IPv4 address.
bool ends_in_number(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    const std::string_view last = host.substr(host.rfind('.') + 1);
    if (last.starts_with("0x")) return true;
    return !last.empty() && std::ranges::all_of(last, is_digit);
}

bool parse_port(std::string_view text, std::uint16_t& port) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    return failure == std::errc() && end == text.data() + text.size() && port != 0 &&
           is_digit(text.front());
}

}  // namespace

std::optional<Url> Url::parse(std::string_view text) {
    if (text.size() > url_bytes_max) return std::nullopt;
    if (!url_chars.has_all_of(text)) return std::nullopt;
    Url url;
    if (equals_lower_case(text.substr(0, 8), "https://")) {
        text.remove_prefix(8);
    } else if (equals_lower_case(text.substr(0, 7), "http://")) {
        url.is_https = false;
        url.port = 80;
        text.remove_prefix(7);
    } else {
        return std::nullopt;
    }
    const std::uint16_t scheme_port = url.port;
    text = text.substr(0, text.find('#'));
    const std::size_t authority_size = std::min(text.find_first_of("/?"), text.size());
    const std::string_view authority = text.substr(0, authority_size);
    const std::string_view target = text.substr(authority_size);

    std::size_t host_end = 0;
    if (authority.starts_with('[')) {
        host_end = authority.find(']');
        if (host_end == std::string_view::npos) return std::nullopt;
        url.host = authority.substr(1, host_end - 1);
        const auto address = IpAddress::parse(url.host);
        if (!address || url.host.find(':') == std::string::npos) return std::nullopt;
        url.is_ip_literal = true;
        ++host_end;
    } else {
        host_end = std::min(authority.find(':'), authority.size());
        url.host = authority.substr(0, host_end);
        if (!is_name(url.host)) return std::nullopt;
        std::ranges::transform(url.host, url.host.begin(), to_lower);
        url.is_ip_literal = ends_in_number(url.host);
        if (url.is_ip_literal && !IpAddress::parse(url.host)) return std::nullopt;
    }
    url.host_header = authority.substr(0, host_end);
    const std::string_view port = authority.substr(host_end);
    if (!port.empty() &&
        (port.size() < 2 || port.front() != ':' || !parse_port(port.substr(1), url.port)))
        return std::nullopt;
    if (url.port != scheme_port) url.host_header += ":" + std::to_string(url.port);
    url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
    return url;
}

}  // namespace roost::net
