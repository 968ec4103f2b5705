#include "pds/mail/message.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/check.h"
#include "base/encoding.h"
#include "pds/mail/email_address.h"

namespace roost::pds::mail {
namespace {

constexpr std::size_t line_chars_max = 76;  // RFC 2045 section 6.7, RFC 2047 section 2

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}
bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}
bool continues_a_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string without_controls(std::string_view text) {
    std::string clean(text);
    std::ranges::replace_if(clean, is_control, ' ');
    return clean;
}

// One "=?utf-8?B?…?=" after the other, each short enough for a line, cut between characters.
std::string encoded_words(std::string_view text) {
    constexpr std::size_t bytes_max = 42;  // 56 characters of base64, 12 around them
    std::string words;
    while (!text.empty()) {
        std::size_t cut = std::min(bytes_max, text.size());
        while (cut > 1 && cut < text.size() && continues_a_character(text[cut]))
            --cut;
        if (!words.empty()) words += "\r\n ";
        words += "=?utf-8?B?" + base64_encode(as_bytes(text.substr(0, cut))) + "?=";
        text.remove_prefix(cut);
    }
    return words;
}

// RFC 5322 section 3.2.4: a display name between quotation marks, or as encoded words.
std::string encode_display_name(std::string_view name) {
    const std::string clean = without_controls(name);
    if (!std::ranges::all_of(clean, is_ascii) || clean.size() > 60) return encoded_words(clean);
    std::string quoted = "\"";
    for (const char c : clean) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

std::string part(std::string_view boundary, std::string_view type, std::string_view body) {
    std::string out = "--" + std::string(boundary) + "\r\n";
    out += "Content-Type: " + std::string(type) + "; charset=utf-8\r\n";
    out += "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    out += encode_quoted_printable(body);
    return out + "\r\n";
}

}  // namespace

Result<Mailbox> parse_mailbox(std::string_view text, std::string_view name_if_none) {
    Mailbox mailbox{std::string(name_if_none), std::string(text)};
    if (text.ends_with('>')) {
        const std::size_t open = text.rfind('<');
        if (open == std::string_view::npos)
            return Error::invalid("a mail sender with \">\" needs a \"<\" as well");
        std::string_view name = text.substr(0, open);
        while (name.ends_with(' '))
            name.remove_suffix(1);
        if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"'))
            name = name.substr(1, name.size() - 2);
        if (!name.empty()) mailbox.name = name;
        mailbox.address = text.substr(open + 1, text.size() - open - 2);
    }
    if (!is_email_address(mailbox.address))
        return Error::invalid(
            "the mail sender must be an address such as \"mail@example.com\" or "
            "\"Our name <mail@example.com>\"");
    return mailbox;
}

std::string encode_header_text(std::string_view text) {
    const std::string clean = without_controls(text);
    const bool is_plain = std::ranges::all_of(clean, is_ascii) && clean.size() <= 60 &&
                          clean.find("=?") == std::string::npos;
    return is_plain ? clean : encoded_words(clean);
}

std::string encode_quoted_printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
        if (c == '\n') {
            out += "\r\n";
            column = 0;
            continue;
        }
        const bool ends_line = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
        const bool is_blank = c == ' ' || c == '\t';
        // A leading dot or "From " is legal, but some servers on the way change it.
        const bool is_risky = column == 0 && (c == '.' || c == 'F');
        const bool is_literal =
            is_ascii(c) && c != '=' && !is_risky && (is_blank ? !ends_line : !is_control(c));
        const std::size_t width = is_literal ? 1 : 3;
        if (column + width > line_chars_max - 1) {
            out += "=\r\n";
            column = 0;
        }
        if (is_literal) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '=';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
        column += width;
    }
    return out;
}

std::string format_date(Timestamp time) {
    constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = time.seconds();
    std::tm utc{};
    check(gmtime_r(&seconds, &utc) != nullptr, "a timestamp is a date");
    std::array<char, 64> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%s, %d %s %d %02d:%02d:%02d +0000",
                  days[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                  months[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                  utc.tm_min, utc.tm_sec);
    return buffer.data();
}

std::string compose(const Message& message) {
    check(is_email_address(message.to), "a message goes to a valid address");
    check(is_email_address(message.from.address), "a message comes from a valid address");
    // "=_" cannot occur in quoted-printable text (RFC 2045 section 6.7).
    constexpr std::string_view boundary = "=_roost_part";
    std::string from = "<" + message.from.address + ">";
    if (!message.from.name.empty()) from = encode_display_name(message.from.name) + "\r\n " + from;
    std::string out;
    out += "From: " + from + "\r\n";
    out += "To: <" + message.to + ">\r\n";
    out += "Subject: " + encode_header_text(message.subject) + "\r\n";
    out += "Date: " + format_date(message.date) + "\r\n";
    out += "Message-ID: <" + without_controls(message.message_id) + ">\r\n";
    // RFC 3834: no machine should answer, no out-of-office note come back.
    out += "Auto-Submitted: auto-generated\r\n";
    out += "MIME-Version: 1.0\r\n";
    out +=
        "Content-Type: multipart/alternative; boundary=\"" + std::string(boundary) + "\"\r\n\r\n";
    out += part(boundary, "text/plain", message.text);
    out += part(boundary, "text/html", message.html);
    out += "--" + std::string(boundary) + "--\r\n";
    return out;
}

}  // namespace roost::pds::mail
