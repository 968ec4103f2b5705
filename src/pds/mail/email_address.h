// What counts as an e-mail address here: the plain form that mail servers everywhere take.
//
// One address: a dot-atom, "@", and a domain name of two labels or more, all ASCII (RFC 5321
// section 4.1.2 and RFC 5322 section 3.4.1, without quoted strings, comments, folding and address
// literals). An address that passes cannot break out of an SMTP command or a header line.
#pragma once

#include <string>
#include <string_view>

namespace roost::pds::mail {

bool is_email_address(std::string_view text);

// The spelling that accounts are found by: lower case.
std::string normalize_email(std::string_view address);

// "example.com" of "ann@example.com": as much of an address as a log line may show.
std::string_view domain_of(std::string_view address);

}  // namespace roost::pds::mail
