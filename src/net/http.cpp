#include "net/http.h"

#include "base/check.h"
#include "net/ascii.h"

namespace roost::net {

std::optional<std::string_view> Request::header(std::string_view lower_case_name) const {
    for (const Header& header : headers)
        if (equals_lower_case(header.name, lower_case_name)) return header.value;
    return std::nullopt;
}

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) {
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, UrlPart part) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && part == UrlPart::query) {
            decoded += ' ';
        } else if (text[i] == '%') {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            decoded += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (percent_decode(pair.substr(0, equals), UrlPart::query) != name) continue;
        return percent_decode(pair.substr(std::min(pair.size(), equals + 1)), UrlPart::query);
    }
    return std::nullopt;
}

std::string percent_encode(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c)) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += digits[byte >> 4];
        encoded += digits[byte & 15];
    }
    return encoded;
}

void Response::add_header(std::string_view name, std::string_view value) {
    check(is_token(name), "a header name is a token");
    check(is_one_line(value), "a header value is one line");
    // Room for the three or four headers that most answers have.
    if (header_lines_.empty()) header_lines_.reserve(128);
    header_lines_.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace roost::net
