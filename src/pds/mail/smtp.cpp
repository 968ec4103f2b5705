#include "pds/mail/smtp.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "base/check.h"
#include "pds/mail/limits.h"

namespace roost::pds::mail {
namespace {

struct CurlDeleter {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Curl = std::unique_ptr<CURL, CurlDeleter>;
using CurlUrl = std::unique_ptr<CURLU, CurlDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlDeleter>;

std::optional<std::string> part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return std::nullopt;
    std::string copy = text;
    wipe(text, copy.size());
    curl_free(text);
    return copy;
}

bool is_this_machine(std::string_view host) {
    return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

Result<void> read_option(std::string_view option, SmtpServer& server) {
    // What tunes the connection pool of the reference's mailer has no meaning for one connection.
    for (const std::string_view pooling : {"pool=", "maxConnections=", "maxMessages="})
        if (option.starts_with(pooling)) return {};
    if (option == "requireTLS=false" || option == "ignoreTLS=false" ||
        option == "tls.rejectUnauthorized=true")
        return {};
    if (option == "tls.rejectUnauthorized=false") {
        server.certificate = Certificate::taken_as_it_is;
        return {};
    }
    if (option == "requireTLS=true" || option == "ignoreTLS=true") {
        if (server.tls == Tls::from_start) return {};
        server.tls = option == "requireTLS=true" ? Tls::demanded : Tls::never;
        return {};
    }
    const std::string name(option.substr(0, option.find('=')));
    return Error::invalid("the SMTP URL has an option that is not known: \"" + name +
                          "\"; there are requireTLS, ignoreTLS and tls.rejectUnauthorized, each "
                          "true or false");
}

Result<void> read_options(std::string_view query, SmtpServer& server) {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        if (end != 0) TRY(read_option(query.substr(0, end), server));
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    }
    return {};
}

// What curl's callbacks share during one send.
struct Sending {
    enum class Stage { before, recipient, content };

    std::string_view rest;
    const std::atomic<bool>& stop;
    Stage stage = Stage::before;
};

std::size_t read_message(char* buffer, std::size_t size, std::size_t count, void* context) {
    auto& sending = *static_cast<Sending*>(context);
    const std::size_t length = std::min(size * count, sending.rest.size());
    std::memcpy(buffer, sending.rest.data(), length);
    sending.rest.remove_prefix(length);
    return length;
}

int watch_stop(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Sending*>(context)->stop ? 1 : 0;
}

// curl shows the commands that it sends; they tell what a refusal was about.
int watch_commands(CURL*, curl_infotype type, char* data, std::size_t size, void* context) {
    auto& sending = *static_cast<Sending*>(context);
    if (type != CURLINFO_HEADER_OUT) return 0;
    const std::string_view command(data, size);
    if (command.starts_with("RCPT")) sending.stage = Sending::Stage::recipient;
    if (command.starts_with("DATA")) sending.stage = Sending::Stage::content;
    return 0;
}

// setopt's only failures here are a lack of memory and an option that this curl does not have.
template <class Value>
void set(CURL* curl, CURLoption option, Value value) {
    check(curl_easy_setopt(curl, option, value) == CURLE_OK, "curl takes an option");
}

void set_server(CURL* curl, const SmtpServer& server, const std::string& hello) {
    const std::string scheme = server.tls == Tls::from_start ? "smtps://" : "smtp://";
    const std::string url = scheme + server.host + ":" + std::to_string(server.port) + "/" + hello;
    set(curl, CURLOPT_URL, url.c_str());
    set(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(curl, CURLOPT_PROXY, "");  // none, whatever the environment says
    if (server.tls == Tls::if_offered) set(curl, CURLOPT_USE_SSL, long{CURLUSESSL_TRY});
    if (server.tls == Tls::demanded) set(curl, CURLOPT_USE_SSL, long{CURLUSESSL_ALL});
    if (server.certificate == Certificate::taken_as_it_is) {
        set(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        set(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!server.user.empty()) {
        set(curl, CURLOPT_USERNAME, server.user.c_str());
        set(curl, CURLOPT_PASSWORD, server.password.reveal().c_str());
    }
}

void set_bounds(CURL* curl) {
    set(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
    set(curl, CURLOPT_TIMEOUT_MS, send_timeout_ms);
    set(curl, CURLOPT_NOSIGNAL, 1L);
    // A stop must not wait for a name server that does not answer.
    set(curl, CURLOPT_QUICK_EXIT, 1L);
}

void set_callbacks(CURL* curl, Sending& sending) {
    set(curl, CURLOPT_READFUNCTION, &read_message);
    set(curl, CURLOPT_READDATA, static_cast<void*>(&sending));
    set(curl, CURLOPT_NOPROGRESS, 0L);
    set(curl, CURLOPT_XFERINFOFUNCTION, &watch_stop);
    set(curl, CURLOPT_XFERINFODATA, static_cast<void*>(&sending));
    set(curl, CURLOPT_VERBOSE, 1L);
    set(curl, CURLOPT_DEBUGFUNCTION, &watch_commands);
    set(curl, CURLOPT_DEBUGDATA, static_cast<void*>(&sending));
}

// A "no" (5xx) to the recipient or to the content is about this letter. Any other one, to our
// greeting, login or sender, is for the operator to put right before the letter is too old.
SendReport judge(CURLcode code, long reply, Sending::Stage stage) {
    SendReport report{SendOutcome::try_later, static_cast<int>(reply), curl_easy_strerror(code)};
    if (code == CURLE_OK) {
        report.outcome = SendOutcome::delivered;
    } else if (code == CURLE_ABORTED_BY_CALLBACK) {
        report.outcome = SendOutcome::stopped;
    } else if (reply >= 500 && reply <= 599 && stage != Sending::Stage::before) {
        report.outcome = SendOutcome::refused;
        report.reason = stage == Sending::Stage::recipient ? "the recipient was refused"
                                                           : "the message was refused";
    }
    return report;
}

}  // namespace

Result<SmtpServer> parse_smtp_url(std::string_view text) {
    const CurlUrl url(curl_url());
    const Error wrong =
        Error::invalid("the SMTP URL must look like smtps://user:password@mail.example.com:465");
    const SecretText copy{std::string(text)};
    if (curl_url_set(url.get(), CURLUPART_URL, copy.reveal().c_str(), 0) != CURLUE_OK) return wrong;
    const auto scheme = part_of(url.get(), CURLUPART_SCHEME);
    const auto host = part_of(url.get(), CURLUPART_HOST);
    const auto path = part_of(url.get(), CURLUPART_PATH).value_or("/");
    if (!host || host->empty() || (path != "/" && !path.empty())) return wrong;
    if (scheme != "smtp" && scheme != "smtps") return wrong;

    SmtpServer server;
    server.host = *host;
    server.tls = scheme == "smtps" ? Tls::from_start : Tls::if_offered;
    server.port = scheme == "smtps" ? 465 : 587;
    if (const auto port = part_of(url.get(), CURLUPART_PORT)) server.port = std::stoi(*port);
    server.user = part_of(url.get(), CURLUPART_USER, CURLU_URLDECODE).value_or("");
    server.password =
        SecretText(part_of(url.get(), CURLUPART_PASSWORD, CURLU_URLDECODE).value_or(""));
    TRY(read_options(part_of(url.get(), CURLUPART_QUERY).value_or(""), server));
    if (server.port == 0) return wrong;
    if (!server.user.empty() && server.tls == Tls::if_offered && !is_this_machine(server.host))
        server.tls = Tls::demanded;
    return server;
}

SendReport send(const SmtpServer& server, const Envelope& envelope, std::string_view message,
                const std::atomic<bool>& stop) {
    const Curl curl(curl_easy_init());
    check(curl != nullptr, "curl starts");
    Sending sending{message, stop};
    set_server(curl.get(), server, envelope.hello);
    set_bounds(curl.get());
    set_callbacks(curl.get(), sending);

    const std::string from = "<" + envelope.from + ">";
    const std::string to = "<" + envelope.to + ">";
    const CurlList recipients(curl_slist_append(nullptr, to.c_str()));
    set(curl.get(), CURLOPT_MAIL_FROM, from.c_str());
    set(curl.get(), CURLOPT_MAIL_RCPT, recipients.get());
    set(curl.get(), CURLOPT_UPLOAD, 1L);
    set(curl.get(), CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(message.size()));

    const CURLcode code = curl_easy_perform(curl.get());
    long reply = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply);
    return judge(code, reply, sending.stage);
}

}  // namespace roost::pds::mail
