// roost mail test
#include <CLI/CLI.hpp>
#include <atomic>
#include <ostream>

#include "app/verbs/verb.h"
#include "atproto/data/json.h"
#include "base/encoding.h"
#include "base/random.h"
#include "pds/mail/email_address.h"
#include "pds/mail/message.h"
#include "pds/mail/smtp.h"

namespace roost::app {

namespace {

namespace mail = pds::mail;

struct Options {
    std::string to;
    bool is_of_moderators = false;
};

std::string letter(const mail::Mailbox& from, const std::string& to, const Config& config) {
    const std::string words = "This letter was sent by roost mail test on " +
                              config.service.hostname +
                              ". Whoever reads it may know that this server can send mail.";
    return mail::compose(
        {.from = from,
         .to = to,
         .subject = "A test of " + config.service.name,
         .text = words + "\n",
         .html = "<p>" + words + "</p>\n",
         .date = now(),
         .message_id = hex_encode(random_bytes(16)) + "@" + config.service.hostname});
}

Error not_sent(const mail::SendReport& report) {
    std::string message = "the letter was not sent: " + report.reason;
    if (report.reply_code != 0)
        message += " (the mail server said " + std::to_string(report.reply_code) + ")";
    return Error::invalid(message + (report.outcome == mail::SendOutcome::refused
                                         ? "; this address is refused for good"
                                         : "; letters that wait are tried again for a day"));
}

Result<int> test(Verb& verb, const Options& options) {
    if (!mail::is_email_address(options.to))
        return Error::invalid("\"" + options.to + "\" is no e-mail address");
    const MailConfig& config = verb.config.mail;
    const std::optional<MailServer>& server =
        options.is_of_moderators ? config.moderation_server : config.server;
    if (!server)
        return Error::invalid(options.is_of_moderators
                                  ? "there is no mail server for moderators: set "
                                    "PDS_MODERATION_EMAIL_SMTP_URL and its _ADDRESS"
                                  : "there is no mail server: set PDS_EMAIL_SMTP_URL and "
                                    "PDS_EMAIL_FROM_ADDRESS");
    const mail::SmtpServer place = TRY(mail::parse_smtp_url(server->smtp_url.reveal()));
    const mail::Mailbox from =
        TRY(mail::parse_mailbox(server->from_address, verb.config.service.name));
    const std::atomic<bool> never = false;
    const mail::SendReport report =
        mail::send(place, {from.address, options.to, verb.config.service.hostname},
                   letter(from, options.to, verb.config), never);
    if (report.outcome != mail::SendOutcome::delivered) return not_sent(report);
    const std::string server_name = place.host + ":" + std::to_string(place.port);
    if (verb.format == Format::json)
        verb.out << atproto::json::write(
                        atproto::Object{{"to", options.to}, {"server", server_name}})
                 << "\n";
    else
        verb.out << "The mail server " << server_name << " took the letter to " << options.to
                 << ".\n";
    return 0;
}

}  // namespace

void add_mail_verbs(CLI::App& program, ChosenVerb& chosen) {
    CLI::App* mail = program.add_subcommand("mail", "Try the mail server");
    mail->require_subcommand(1);
    const auto options = std::make_shared<Options>();
    CLI::App& verb =
        add_verb(*mail, chosen, "test", "Send a letter now, and say what came of it",
                 Confirmation::not_asked, [options](Verb& each) { return test(each, *options); });
    verb.add_option("to", options->to, "whom to")->required();
    verb.add_flag("--moderation", options->is_of_moderators, "by the moderators' mail server");
}

}  // namespace roost::app
