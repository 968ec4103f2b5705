// What a value of each kind of setting looks like.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "app/settings.h"
#include "base/encoding.h"

namespace roost::app {

namespace {

constexpr std::int64_t number_max = 9'007'199'254'740'991;  // 2^53 - 1: exact in JavaScript too
constexpr std::int64_t duration_ms_max = 315'360'000'000;   // ten years
constexpr std::size_t value_bytes_max = 8'192;              // more is a file by mistake

bool is_number(std::string_view text, std::int64_t max) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number >= 0 &&
           number <= max && text.front() != '-';
}

bool is_label(std::string_view label) {
    const auto is_inner = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, is_inner);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

// A DNS name whose last label is not a number (an address is no host name).
bool is_host_name(std::string_view text) {
    const std::string name = lower(text);
    if (name.empty() || name.size() > 253) return false;
    std::string_view rest = name;
    while (true) {
        const std::size_t dot = rest.find('.');
        if (!is_label(rest.substr(0, dot))) return false;
        if (dot == std::string_view::npos) break;
        rest.remove_prefix(dot + 1);
    }
    return !std::ranges::all_of(rest, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> schemes) {
    return std::ranges::any_of(schemes, [&](std::string_view scheme) {
        return text.starts_with(scheme) && text.size() > scheme.size() &&
               text[scheme.size()] != '/';
    });
}

bool is_url(std::string_view text) {
    return is_printable(text) && starts_with_any(text, {"http://", "https://"});
}

bool is_mailbox(std::string_view text) {
    const std::size_t at = text.rfind('@');
    return at != std::string_view::npos && at > 0 && is_printable(text) &&
           text.find_first_of("<>,;\"") == std::string_view::npos && text.find('@') == at &&
           is_host_name(text.substr(at + 1));
}

bool is_mail_address(std::string_view text) {
    const std::size_t open = text.find('<');
    if (open == std::string_view::npos) return is_mailbox(text);
    const bool is_line = std::ranges::none_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    return is_line && text.ends_with('>') &&
           is_mailbox(text.substr(open + 1, text.size() - open - 2));
}

// A did:key of one of the two curves: https://atproto.com/specs/cryptography
bool is_did_key(std::string_view text) {
    constexpr std::string_view prefix = "did:key:z";
    if (!text.starts_with(prefix) || text.size() > 128) return false;
    const auto key = base58_decode(text.substr(prefix.size()));
    if (!key || key->size() != 35) return false;
    const bool is_k256 = (*key)[0] == 0xE7 && (*key)[1] == 0x01;
    const bool is_p256 = (*key)[0] == 0x80 && (*key)[1] == 0x24;
    return is_k256 || is_p256;
}

// A private key is a number from 1 to the order of the curve minus 1 (SEC 2, section 2.4.1).
bool is_k256_key(std::string_view text) {
    static const Bytes order =
        *hex_decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    const auto key = hex_decode(text);
    if (!key || key->size() != order.size()) return false;
    return *key < order && std::ranges::any_of(*key, [](std::uint8_t byte) { return byte != 0; });
}

bool is_domain(std::string_view text) {
    return text.starts_with('.') && is_host_name(text.substr(1));
}

bool is_numeric_address(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    return !text.contains('/') && IpRange::parse(text).has_value();
}

template <class Accepts>
bool all_of_list(std::string_view text, Accepts accepts) {
    const std::vector<std::string> items = split_list(text);
    return !items.empty() && std::ranges::all_of(items, accepts);
}

bool is_boolean(std::string_view text) {
    return text == "true" || text == "1" || text == "false" || text == "0";
}

bool is_log_level(std::string_view text) {
    constexpr std::array levels = {"trace", "debug", "info", "warn", "error", "fatal", "silent"};
    return std::ranges::find(levels, text) != levels.end();
}

bool is_valid(Kind kind, std::string_view text) {
    const auto each = [&](auto accepts) { return all_of_list(text, accepts); };
    switch (kind) {
        case Kind::text:
        case Kind::path:
            return true;
        case Kind::boolean:
            return is_boolean(text);
        case Kind::number:
        case Kind::byte_count:
            return is_number(text, number_max);
        case Kind::milliseconds:
            return is_number(text, duration_ms_max);
        case Kind::port:
            return is_number(text, 65'535) && text != "0";
        case Kind::host_name:
            return is_host_name(text);
        case Kind::url:
            return is_url(text);
        case Kind::url_list:
            return each(is_url);
        case Kind::smtp_url:
            return is_printable(text) && starts_with_any(text, {"smtp://", "smtps://"});
        case Kind::mail_address:
            return is_mail_address(text);
        case Kind::did:
            return atproto::Did::parse(text).has_value();
        case Kind::did_key:
            return is_did_key(text);
        case Kind::domain_list:
            return each(is_domain);
        case Kind::address_list:
            return each(is_numeric_address);
        case Kind::range_list:
            return each([](std::string_view item) { return IpRange::parse(item).has_value(); });
        case Kind::metrics_place:
            return text == "off" || parse_address_and_port(text).has_value();
        case Kind::name_list:
            return each(is_printable);
        case Kind::k256_key:
            return is_k256_key(text);
        case Kind::hex:
            return hex_decode(text).has_value();
        case Kind::log_level:
            return is_log_level(text);
    }
    return false;
}

std::string_view expectation(Kind kind) {
    switch (kind) {
        case Kind::text:
        case Kind::path:
            return "a text";
        case Kind::boolean:
            return "true or false";
        case Kind::number:
            return "a whole number";
        case Kind::milliseconds:
            return "a number of milliseconds, at most ten years";
        case Kind::byte_count:
            return "a number of bytes";
        case Kind::port:
            return "a port from 1 to 65535";
        case Kind::host_name:
            return "a host name such as pds.example.com, without https:// and without a port";
        case Kind::url:
            return "a URL that starts with https:// or http://";
        case Kind::url_list:
            return "URLs that start with https:// or http://, separated by commas";
        case Kind::smtp_url:
            return "smtps://USER:PASSWORD@HOST or smtp://HOST:PORT";
        case Kind::mail_address:
            return "a mail address such as a@example.com or Name <a@example.com>";
        case Kind::did:
            return "a DID such as did:web:pds.example.com";
        case Kind::did_key:
            return "a did:key of a K-256 or P-256 key";
        case Kind::domain_list:
            return "domains that start with a dot such as .pds.example.com, separated by commas";
        case Kind::address_list:
            return "numeric addresses such as 0.0.0.0 or ::1, separated by commas";
        case Kind::range_list:
            return "numeric addresses or blocks such as 10.0.0.0/8, separated by commas";
        case Kind::metrics_place:
            return "a numeric address and a port such as 127.0.0.1:2584, or off";
        case Kind::name_list:
            return "names or addresses, separated by commas";
        case Kind::k256_key:
            return "64 hex digits that are a K-256 private key";
        case Kind::hex:
            return "hex digits";
        case Kind::log_level:
            return "trace, debug, info, warn, error, fatal or silent";
    }
    return "";
}

}  // namespace

std::optional<std::string> expectation_unless_valid(Kind kind, std::string_view text) {
    const bool has_control = std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    if (has_control)
        return std::string("expected ") + std::string(expectation(kind)) +
               ", in one line without control characters";
    if (text.size() > value_bytes_max) return "expected at most 8192 bytes";
    if (is_valid(kind, text)) return std::nullopt;
    return "expected " + std::string(expectation(kind));
}

std::optional<IpRange> IpRange::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string address(text.substr(0, slash));
    IpRange range;
    int bits_max = 128;
    if (in_addr v4{}; inet_pton(AF_INET, address.c_str(), &v4) == 1) {
        bits_max = 32;
        range.base.bytes[10] = range.base.bytes[11] = 0xFF;
        std::memcpy(range.base.bytes.data() + 12, &v4, 4);
    } else if (inet_pton(AF_INET6, address.c_str(), range.base.bytes.data()) != 1) {
        return std::nullopt;
    }
    int bits = bits_max;
    if (slash != std::string_view::npos) {
        const std::string_view length = text.substr(slash + 1);
        if (!is_number(length, bits_max)) return std::nullopt;
        std::from_chars(length.data(), length.data() + length.size(), bits);
    }
    range.prefix_bits = 128 - bits_max + bits;
    return range;
}

bool IpRange::contains(const net::IpAddress& address) const {
    for (std::size_t i = 0; i < 16; ++i) {
        const int bits = std::clamp(prefix_bits - static_cast<int>(i) * 8, 0, 8);
        const unsigned mask = (0xFF00U >> static_cast<unsigned>(bits)) & 0xFFU;
        if (((base.bytes[i] ^ address.bytes[i]) & mask) != 0) return false;
    }
    return true;
}

std::optional<AddressAndPort> parse_address_and_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view address = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (address.contains(':') != (address.starts_with('[') && address.ends_with(']')))
        return std::nullopt;  // an IPv6 address stands in brackets, another does not
    if (!is_numeric_address(address) || !is_valid(Kind::port, port)) return std::nullopt;
    if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
    AddressAndPort place{.address = std::string(address)};
    std::from_chars(port.data(), port.data() + port.size(), place.port);
    return place;
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        std::string_view item = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        while (item.starts_with(' '))
            item.remove_prefix(1);
        while (item.ends_with(' '))
            item.remove_suffix(1);
        if (!item.empty()) items.emplace_back(item);
    }
    return items;
}

bool is_true(std::string_view text) {
    return text == "true" || text == "1";
}

}  // namespace roost::app
