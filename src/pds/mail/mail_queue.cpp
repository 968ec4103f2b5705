#include "pds/mail/mail_queue.h"

#include <algorithm>
#include <chrono>
#include <exception>

#include "base/check.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "base/run_loop.h"
#include "pds/mail/email_address.h"
#include "pds/mail/message.h"
#include "pds/mail/text_of_html.h"

namespace roost::pds::mail {

struct MailQueue::Waiting {
    std::int64_t id = 0;
    Letter letter;
    std::string message_id;
    Timestamp created_at;
    std::int64_t tries = 0;
};

// What the worker finds to do: a letter, or how long there is none.
struct MailQueue::Look {
    std::optional<Waiting> due;
    std::int64_t waiting = 0;
    std::int64_t delay_ms = 0;
};

namespace {

Error no_mail_server() {
    return {Fault::not_implemented, "MailUnavailable",
            "This server cannot send mail: its operator has not set PDS_EMAIL_SMTP_URL"};
}

void insert_waiting(db::Transaction& t, const Letter& letter, std::string_view message_id,
                    Timestamp now) {
    const std::string_view kind = name_of(letter.kind);
    if (!letter.words)
        t.execute("DELETE FROM mail_queue WHERE recipient = $1 AND kind = $2 AND handle = $3",
                  letter.to, kind, letter.handle);
    std::optional<std::string> subject, html;
    if (letter.words) {
        subject = letter.words->subject;
        html = letter.words->html;
    }
    t.execute(
        "INSERT INTO mail_queue (kind, recipient, handle, token, message_id, created_at,"
        " next_try_at, tries, subject, html) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)",
        kind, letter.to, letter.handle, letter.token.reveal(), message_id, now, now, subject, html);
}

void insert_stored(db::Transaction& t, const Letter& letter, const RenderedLetter& rendered,
                   Timestamp now) {
    t.execute(
        "INSERT INTO mail_outbox (kind, recipient, subject, text_body, html_body, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        name_of(letter.kind), letter.to, rendered.subject, rendered.text, rendered.html, now);
    t.execute(
        "DELETE FROM mail_outbox WHERE id <= (SELECT id FROM mail_outbox ORDER BY id DESC"
        " LIMIT 1 OFFSET $1)",
        outbox_letters_max);
}

Result<std::vector<StoredLetter>> select_stored(db::Transaction& t) {
    std::vector<StoredLetter> letters;
    db::Rows rows = t.select(
        "SELECT id, kind, recipient, subject, text_body, html_body, created_at FROM mail_outbox"
        " ORDER BY id DESC LIMIT $1",
        outbox_letters_max);
    while (rows.next()) {
        const std::optional<LetterKind> kind = letter_kind_from(rows.text(1));
        check(kind.has_value(), "the outbox holds letters of known kinds");
        letters.push_back({rows.integer(0), *kind, std::string(rows.text(2)),
                           RenderedLetter{std::string(rows.text(3)), std::string(rows.text(4)),
                                          std::string(rows.text(5))},
                           rows.time(6)});
    }
    return letters;
}

}  // namespace

Result<std::unique_ptr<MailQueue>> MailQueue::start(db::Database& database, MailOptions options) {
    Templates templates = TRY(Templates::load(options.template_folder));
    const std::string service = options.branding.service;
    Post post;
    std::optional<Post> moderation_post;
    if (options.delivery == Delivery::smtp)
        post = TRY(post_of(options.smtp_url, options.from, service));
    if (options.moderation)
        moderation_post =
            TRY(post_of(options.moderation->smtp_url, options.moderation->from, service));
    const bool has_worker = options.delivery == Delivery::smtp || moderation_post;
    std::unique_ptr<MailQueue> queue(new MailQueue(database, std::move(options),
                                                   std::move(templates), std::move(post),
                                                   std::move(moderation_post)));
    if (has_worker) queue->worker_ = std::thread([self = queue.get()] { self->work(); });
    return queue;
}

Result<MailQueue::Post> MailQueue::post_of(const SecretText& smtp_url, const std::string& from,
                                           const std::string& service) {
    return Post {
        TRY(parse_smtp_url(smtp_url.reveal()))
        , TRY(parse_mailbox(from, service))
    };
}

MailQueue::MailQueue(db::Database& database, MailOptions options, Templates templates, Post post,
                     std::optional<Post> moderation_post)
    : database_(database),
      options_(std::move(options)),
      templates_(std::move(templates)),
      post_(std::move(post)),
      moderation_post_(std::move(moderation_post)) {}

MailQueue::~MailQueue() {
    stop();
}

void MailQueue::stop() {
    stopping_ = true;
    wake();
    if (worker_.joinable()) worker_.join();
}

void MailQueue::wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    wake_.notify_one();
}

bool MailQueue::can_send(LetterKind kind) const {
    if (options_.delivery == Delivery::smtp) return true;
    return kind == LetterKind::from_moderators && moderation_post_;
}

Result<void> MailQueue::check_available(LetterKind kind) const {
    if (options_.delivery != Delivery::outbox && !can_send(kind)) return no_mail_server();
    if (waiting_ > waiting_letters_max)
        return Error::unavailable("Too many mails are waiting to be sent, try again later", 600,
                                  "MailUnavailable");
    return {};
}

void MailQueue::enqueue(db::Transaction& t, const Letter& letter, Timestamp now) const {
    if (!is_email_address(letter.to)) {
        log::warn("mail dropped, the address is not valid", {{"kind", name_of(letter.kind)}});
        return;
    }
    if (can_send(letter.kind)) {
        const std::string unique = hex_encode(random_bytes(16));
        return insert_waiting(t, letter, unique + "@" + options_.hostname, now);
    }
    if (options_.delivery == Delivery::outbox) insert_stored(t, letter, render(letter, now), now);
}

RenderedLetter MailQueue::render(const Letter& letter, Timestamp asked_at) const {
    if (!letter.words) return templates_.render(letter, options_.branding, asked_at);
    return {.subject = letter.words->subject,
            .text = text_of_html(letter.words->html),
            .html = letter.words->html};
}

void MailQueue::forget(db::Transaction& t, std::string_view handle) {
    // At any address: the account may have had another when the letter was written.
    t.execute("DELETE FROM mail_queue WHERE handle = $1", handle);
}

Task<Result<std::vector<StoredLetter>>> MailQueue::outbox() {
    co_return co_await database_.read([](db::Transaction& t) { return select_stored(t); });
}

MailStats MailQueue::stats() const {
    return {waiting_, delivered_total_, retried_total_, refused_total_, given_up_total_};
}

// --- the worker ---

void MailQueue::work() {
    RunLoop loop;
    while (!stopping_) {
        std::int64_t delay_ms = failure_pause_ms;
        try {
            delay_ms = serve_one(loop);
        } catch (const std::exception& failure) {
            log::error("the mail queue could not be served", {{"reason", failure.what()}});
        }
        wait_ms(delay_ms);
    }
}

void MailQueue::wait_ms(std::int64_t delay_ms) {
    std::unique_lock lock(mutex_);
    if (delay_ms > 0)
        wake_.wait_for(lock, std::chrono::milliseconds(delay_ms), [this] { return woken_; });
    woken_ = false;
}

// The try is written down before it is made: neither a crash nor a full disk in the middle of it
// can make us send the same letter over and over.
std::int64_t MailQueue::serve_one(RunLoop& loop) {
    remove_finished(loop);
    const Timestamp time = now();
    const Look found = loop.run(look(time));
    waiting_ = found.waiting;
    if (!found.due) return found.delay_ms;

    const Waiting& waiting = *found.due;
    if (time >= waiting.created_at.plus_ms(options_.give_up_after_ms)) {
        finished_id_ = waiting.id;
        ++given_up_total_;
        log::warn("mail given up, it could not be delivered in time",
                  {{"kind", name_of(waiting.letter.kind)},
                   {"domain", domain_of(waiting.letter.to)},
                   {"tries", waiting.tries}});
        remove_finished(loop);
        return 0;
    }
    if (!loop.run(postpone(waiting.id, time.plus_ms(back_off_ms(waiting.tries))))) return 0;
    settle(waiting, deliver(waiting));
    remove_finished(loop);
    return 0;
}

// Kept in mind until it has worked: what is out must not go out again.
void MailQueue::remove_finished(RunLoop& loop) {
    if (!finished_id_) return;
    loop.run(remove(*finished_id_));
    finished_id_.reset();
}

Task<MailQueue::Look> MailQueue::look(Timestamp time) {
    const auto body = [time](db::Transaction& t) -> Result<Look> {
        Look found;
        db::Rows sums = t.select("SELECT count(*), min(next_try_at) FROM mail_queue");
        check(sums.next(), "an aggregate has a row");
        found.waiting = sums.integer(0);
        found.delay_ms = idle_look_ms;
        if (found.waiting > 0) {
            const std::int64_t until_due_ms = (sums.integer(1) - time.us) / 1'000 + 1;
            found.delay_ms = std::clamp<std::int64_t>(until_due_ms, 1, idle_look_ms);
        }
        db::Rows rows = t.select(
            "SELECT id, kind, recipient, handle, token, message_id, created_at, tries,"
            " subject, html FROM mail_queue WHERE next_try_at <= $1 ORDER BY next_try_at, id LIMIT "
            "1",
            time);
        if (!rows.next()) return found;
        const std::optional<LetterKind> kind = letter_kind_from(rows.text(1));
        check(kind.has_value(), "the queue holds letters of known kinds");
        found.due = Waiting{rows.integer(0),
                            Letter{*kind, std::string(rows.text(2)), std::string(rows.text(3)),
                                   SecretText(std::string(rows.text(4)))},
                            std::string(rows.text(5)), rows.time(6), rows.integer(7)};
        if (!rows.is_null(8))
            found.due->letter.words = {std::string(rows.text(8)), std::string(rows.text(9))};
        return found;
    };
    Result<Look> found = co_await database_.read(body);
    check(found.has_value(), "looking is never refused");
    co_return std::move(*found);
}

Task<bool> MailQueue::postpone(std::int64_t id, Timestamp next_try_at) {
    const auto body = [id, next_try_at](db::Transaction& t) -> Result<std::int64_t> {
        return t.execute("UPDATE mail_queue SET next_try_at = $1, tries = tries + 1 WHERE id = $2",
                         next_try_at, id);
    };
    const Result<std::int64_t> changed = co_await database_.write(body);
    check(changed.has_value(), "postponing is never refused");
    co_return *changed == 1;
}

Task<void> MailQueue::remove(std::int64_t id) {
    const auto body = [id](db::Transaction& t) -> Result<std::int64_t> {
        return t.execute("DELETE FROM mail_queue WHERE id = $1", id);
    };
    const Result<std::int64_t> changed = co_await database_.write(body);
    check(changed.has_value(), "removing is never refused");
}

SendReport MailQueue::deliver(const Waiting& waiting) const {
    const Letter& letter = waiting.letter;
    const bool is_theirs = letter.kind == LetterKind::from_moderators && moderation_post_;
    const Post& post = is_theirs ? *moderation_post_ : post_;
    const RenderedLetter rendered = render(letter, waiting.created_at);
    const std::string message = compose({post.from, letter.to, rendered.subject, rendered.text,
                                         rendered.html, waiting.created_at, waiting.message_id});
    return send(post.server, {post.from.address, letter.to, options_.hostname}, message, stopping_);
}

void MailQueue::settle(const Waiting& waiting, const SendReport& report) {
    const std::string_view kind = name_of(waiting.letter.kind);
    const std::string_view domain = domain_of(waiting.letter.to);
    switch (report.outcome) {
        case SendOutcome::delivered:
            finished_id_ = waiting.id;
            ++delivered_total_;
            log::info("mail delivered", {{"kind", kind}, {"domain", domain}});
            return;
        case SendOutcome::refused:
            finished_id_ = waiting.id;
            ++refused_total_;
            log::warn("mail refused for good", {{"kind", kind},
                                                {"domain", domain},
                                                {"reply", report.reply_code},
                                                {"reason", report.reason}});
            return;
        case SendOutcome::try_later:
            ++retried_total_;
            log::warn("mail not delivered, will be tried again", {{"kind", kind},
                                                                  {"domain", domain},
                                                                  {"reply", report.reply_code},
                                                                  {"reason", report.reason},
                                                                  {"tries", waiting.tries + 1}});
            return;
        case SendOutcome::stopped:
            return;
    }
}

// Twice as long after every try, and up to a quarter more at random, so that letters that failed
// together do not come back together.
std::int64_t MailQueue::back_off_ms(std::int64_t tries) const {
    const std::int64_t doublings = std::min<std::int64_t>(tries, 20);
    const std::int64_t delay_ms =
        std::min(options_.retry_first_ms << doublings, options_.retry_longest_ms);
    return delay_ms + random_below(static_cast<std::uint32_t>(delay_ms / 4 + 1));
}

}  // namespace roost::pds::mail
