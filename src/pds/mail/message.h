// One mail as bytes: headers and two readings of the same text, ready for the mail server
// (RFC 5322, RFC 2045 to 2047).
//
// Lines end in CR LF and have at most 76 characters, all ASCII. What a caller passes can hold any
// bytes: control characters become spaces in headers, everything that is not plain ASCII is
// encoded, so that no value can start a header of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace roost::pds::mail {

// A sender: an address with the name that mail programs show.
struct Mailbox {
    std::string name;
    std::string address;
};

// "a@example.com" with the given name, or "Name <a@example.com>" with its own.
Result<Mailbox> parse_mailbox(std::string_view text, std::string_view name_if_none);

struct Message {
    Mailbox from;
    std::string to;  // an address, already checked
    std::string subject;
    std::string text;
    std::string html;
    Timestamp date;
    std::string message_id;  // "5f3a…@example.com": ASCII without white space or brackets
};

std::string compose(const Message& message);

// The parts, for tests.
std::string encode_header_text(std::string_view text);            // RFC 2047, or as it is
std::string encode_quoted_printable(std::string_view utf8_text);  // RFC 2045 section 6.7
std::string format_date(Timestamp time);                          // RFC 5322 section 3.3, in UTC

}  // namespace roost::pds::mail
