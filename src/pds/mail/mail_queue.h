// The outgoing mail of the server: a durable queue in the database, and the worker that empties it.
//
// A letter is put in the queue inside the transaction that makes its token, so there is never a
// token without its mail or the other way round. One thread of our own talks to the mail server
// (libcurl blocks) and tries again until the letter is out, refused for good, or a day old. A
// letter that was sent just before a crash can be sent twice, with the same Message-ID. All
// functions may be called from any thread; the awaiting ones need an Executor. Logs name the kind
// of a letter and the recipient's domain, never an address or a token.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/mail/letter.h"
#include "pds/mail/limits.h"
#include "pds/mail/message.h"
#include "pds/mail/smtp.h"
#include "pds/mail/templates.h"

namespace roost {
class RunLoop;
}

namespace roost::pds::mail {

enum class Delivery {
    smtp,     // to the configured mail server
    outbox,   // dev mode: letters are kept and shown, nothing leaves the machine
    refused,  // production without a mail server: methods that need mail refuse
};

struct MailOptions {
    Delivery delivery = Delivery::refused;
    SecretText smtp_url;   // with Delivery::smtp: see parse_smtp_url()
    std::string from;      // with Delivery::smtp: "a@example.com" or "Name <a@example.com>"
    std::string hostname;  // ours: in the Message-ID
    // The mail server for what administrators write; none: the other one.
    struct Sender {
        SecretText smtp_url;
        std::string from;
    };
    std::optional<Sender> moderation;
    Branding branding;
    std::string template_folder;  // empty: only the templates that are compiled in
    std::int64_t retry_first_ms = mail::retry_first_ms;  // doubles with every try
    std::int64_t retry_longest_ms = mail::retry_longest_ms;
    std::int64_t give_up_after_ms = mail::give_up_after_ms;
};

// A letter of the dev outbox. Holds its token in the clear: that is what the outbox is for.
struct StoredLetter {
    std::int64_t id = 0;
    LetterKind kind = LetterKind::reset_password;
    std::string to;
    RenderedLetter rendered;
    Timestamp created_at;
};

struct MailStats {
    std::int64_t waiting = 0;          // in the queue, as of the worker's last look
    std::int64_t delivered_total = 0;  // these count since the start
    std::int64_t retried_total = 0;
    std::int64_t refused_total = 0;   // by the mail server, for good
    std::int64_t given_up_total = 0;  // too old
};

class MailQueue {
  public:
    // Checks the options and starts the worker. The database must outlive the queue.
    static Result<std::unique_ptr<MailQueue>> start(db::Database& database, MailOptions options);
    ~MailQueue();  // stop()
    MailQueue(const MailQueue&) = delete;
    MailQueue& operator=(const MailQueue&) = delete;

    // Whether a letter of that kind can be promised. Asked before a token is made. Refuses with
    // not_implemented "MailUnavailable" when no mail server is configured, and with unavailable
    // when too many letters wait.
    Result<void> check_available(LetterKind kind) const;

    // Puts the letter in the queue, within the caller's write transaction. Replaces a letter of the
    // same kind that still waits for the same person, unless an administrator wrote it. The address
    // must be one (is_email_address). With Delivery::refused the letter is dropped, as is one whose
    // address no mail server takes.
    void enqueue(db::Transaction& t, const Letter& letter, Timestamp now) const;

    // The letters to this account that wait are not sent: it is gone in the same transaction.
    static void forget(db::Transaction& t, std::string_view handle);

    // Tells the worker, after the commit, that there is something to do.
    void wake();

    // The dev outbox, newest first. Empty in the other modes.
    Task<Result<std::vector<StoredLetter>>> outbox();

    MailStats stats() const;

    // Ends the worker within two seconds, also in the middle of a delivery: that letter stays.
    void stop();

  private:
    struct Waiting;
    struct Look;

    struct Post {  // where letters are handed in, and in whose name
        SmtpServer server;
        Mailbox from;
    };
    static Result<Post> post_of(const SecretText& smtp_url, const std::string& from,
                                const std::string& service);
    MailQueue(db::Database& database, MailOptions options, Templates templates, Post post,
              std::optional<Post> moderation_post);
    bool can_send(LetterKind kind) const;
    RenderedLetter render(const Letter& letter, Timestamp asked_at) const;
    // On the worker's thread.
    void work();
    std::int64_t serve_one(RunLoop& loop);
    void remove_finished(RunLoop& loop);
    void wait_ms(std::int64_t delay_ms);
    Task<Look> look(Timestamp time);
    // False: the letter is not there any more.
    Task<bool> postpone(std::int64_t id, Timestamp next_try_at);
    Task<void> remove(std::int64_t id);
    SendReport deliver(const Waiting& waiting) const;
    void settle(const Waiting& waiting, const SendReport& report);
    std::int64_t back_off_ms(std::int64_t tries) const;

    db::Database& database_;
    const MailOptions options_;
    const Templates templates_;
    const Post post_;
    const std::optional<Post> moderation_post_;

    std::atomic<std::int64_t> waiting_ = 0;
    std::atomic<std::int64_t> delivered_total_ = 0;
    std::atomic<std::int64_t> retried_total_ = 0;
    std::atomic<std::int64_t> refused_total_ = 0;
    std::atomic<std::int64_t> given_up_total_ = 0;

    std::atomic<bool> stopping_ = false;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool woken_ = false;
    std::optional<std::int64_t> finished_id_;  // the worker's: its row is still to be deleted
    std::thread worker_;
};

}  // namespace roost::pds::mail
