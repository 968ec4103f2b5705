// Handing one message to a mail server, by libcurl (RFC 5321, RFC 3207, RFC 4954).
//
// Blocks the calling thread: at most ten seconds to connect, thirty in all, about one second once
// `stop` is set. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace roost::pds::mail {

enum class Tls {
    from_start,  // smtps
    if_offered,  // STARTTLS when the server has it
    demanded,    // STARTTLS or nothing
    never,
};
enum class Certificate { verified, taken_as_it_is };

struct SmtpServer {
    std::string host;
    int port = 0;
    Tls tls = Tls::if_offered;
    Certificate certificate = Certificate::verified;
    std::string user;  // empty: no login
    SecretText password;
};

// smtp://user:pass@host:port or smtps://…, user and password percent-encoded, default ports 587 and
// 465. Options as the reference's mailer reads them: ?requireTLS=true, ?ignoreTLS=true,
// ?tls.rejectUnauthorized=false. A login is only ever sent over TLS, to this machine, or when
// ignoreTLS says that the network in between is trusted. Errors do not repeat the URL.
Result<SmtpServer> parse_smtp_url(std::string_view url);

struct Envelope {
    std::string from;  // addresses, already checked
    std::string to;
    std::string hello;  // the name we greet with: our host name
};

enum class SendOutcome {
    delivered,
    refused,    // this letter, for good: asking again would get the same answer
    try_later,  // the server, the network or the login is at fault
    stopped,
};

struct SendReport {
    SendOutcome outcome = SendOutcome::try_later;
    int reply_code = 0;  // the server's last, 0 if there was none
    std::string reason;  // for the log: holds no text of the server, which may quote addresses
};

SendReport send(const SmtpServer& server, const Envelope& envelope, std::string_view message,
                const std::atomic<bool>& stop);

}  // namespace roost::pds::mail
