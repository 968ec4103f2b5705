#include "pds/mail/mail_queue.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/log.h"
#include "base/run_loop.h"
#include "pds/mail/smtp_test_server.h"

namespace roost::pds::mail {
namespace {

namespace fs = std::filesystem;

class MailQueueTest : public testing::Test {
  protected:
    MailQueueTest() {
        folder_ = fs::path(testing::TempDir()) /
                  (std::string("roost_mail_") +
                   testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::remove_all(folder_);
        fs::create_directories(folder_);
        Result<std::unique_ptr<db::Database>> opened =
            db::Database::open({.path = (folder_ / "roost.sqlite").string()});
        check(opened.has_value(), "the test's database opens");
        database_ = std::move(*opened);
    }
    ~MailQueueTest() override {
        queue_.reset();
        database_.reset();
        fs::remove_all(folder_);
    }

    MailOptions options_for(const std::string& url) const {
        MailOptions options;
        options.delivery = Delivery::smtp;
        options.smtp_url = SecretText(url);
        options.from = "mail@nest.example";
        options.hostname = "nest.example";
        options.branding = {"Nest", "https://nest.example", ""};
        options.retry_first_ms = 20;
        options.retry_longest_ms = 100;
        return options;
    }
    void start(const MailOptions& options) {
        queue_.reset();
        Result<std::unique_ptr<MailQueue>> started = MailQueue::start(*database_, options);
        check(started.has_value(), started.has_value() ? "" : started.error().message);
        queue_ = std::move(*started);
    }
    void start_outbox() {
        MailOptions options = options_for("");
        options.delivery = Delivery::outbox;
        start(options);
    }

    static Letter letter_to(const std::string& to, const std::string& token = "ABCDE-FGHIJ",
                            LetterKind kind = LetterKind::reset_password) {
        return {kind, to, "ann.nest.example", SecretText(token)};
    }
    void enqueue(const Letter& letter, Timestamp time = now()) {
        const auto body = [this, &letter, time](db::Transaction& t) -> Result<bool> {
            queue_->enqueue(t, letter, time);
            return true;
        };
        EXPECT_TRUE(loop_.run(database_->write(body)).has_value());
        queue_->wake();
    }
    std::int64_t rows_waiting() {
        const auto body = [](db::Transaction& t) -> Result<std::int64_t> {
            db::Rows rows = t.select("SELECT count(*) FROM mail_queue");
            rows.next();
            return rows.integer(0);
        };
        return *loop_.run(database_->read(body));
    }
    // Waits until nothing waits, at most ten seconds.
    bool drains() {
        for (int i = 0; i < 500; ++i) {
            if (rows_waiting() == 0) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return false;
    }
    std::vector<StoredLetter> outbox() { return *loop_.run(queue_->outbox()); }

    fs::path folder_;
    std::unique_ptr<db::Database> database_;
    RunLoop loop_;
    std::unique_ptr<MailQueue> queue_;
};

std::string header_of(const std::string& data, const std::string& name) {
    const std::size_t start = data.find("\r\n" + name + ": ");
    if (start == std::string::npos) return "";
    return data.substr(start + 2, data.find("\r\n", start + 2) - start - 2);
}

TEST_F(MailQueueTest, DeliversAndForgets) {
    SmtpTestServer server;
    const Timestamp asked_at{1'763'812'800'000'000};
    MailOptions options = options_for(server.url());
    options.give_up_after_ms = std::int64_t{1} << 50;
    start(options);
    EXPECT_TRUE(queue_->check_available(LetterKind::reset_password).has_value());
    enqueue(letter_to("ann@example.org"), asked_at);
    const auto letters = server.wait_for_letters(1);
    ASSERT_EQ(letters.size(), 1u);
    EXPECT_TRUE(letters[0].from.starts_with("MAIL FROM:<mail@nest.example>"));
    EXPECT_EQ(letters[0].to, "RCPT TO:<ann@example.org>");
    EXPECT_EQ(letters[0].hello, "nest.example");
    const std::string& data = letters[0].data;
    EXPECT_TRUE(data.starts_with("From: \"Nest\"\r\n <mail@nest.example>\r\n")) << data;
    EXPECT_EQ(header_of(data, "To"), "To: <ann@example.org>");
    EXPECT_EQ(header_of(data, "Subject"), "Subject: A new password for @ann.nest.example");
    EXPECT_EQ(header_of(data, "Date"), "Date: Sat, 22 Nov 2025 12:00:00 +0000");
    EXPECT_TRUE(header_of(data, "Message-ID").ends_with("@nest.example>"));
    EXPECT_NE(data.find("    ABCDE-FGHIJ\r\n"), std::string::npos);
    EXPECT_NE(data.find(">ABCDE-FGHIJ<"), std::string::npos);
    EXPECT_TRUE(drains());
    EXPECT_TRUE(outbox().empty());
    queue_->stop();
    EXPECT_EQ(queue_->stats().delivered_total, 1);
    EXPECT_EQ(server.letters(), 1u);
}

TEST_F(MailQueueTest, AModeratorsWordsGoByTheirOwnServerAndNoneReplacesAnother) {
    SmtpTestServer server;
    SmtpTestServer moderators;
    MailOptions options = options_for(server.url());
    options.moderation = {.smtp_url = SecretText(moderators.url()), .from = "mods@nest.example"};
    start(options);
    for (const std::string subject : {"one", "two"}) {
        Letter letter = letter_to("ann@example.org", "", LetterKind::from_moderators);
        letter.words = Words{subject, "<p>a <b>word</b></p>"};
        enqueue(letter);
    }
    enqueue(letter_to("ann@example.org"));
    const auto letters = moderators.wait_for_letters(2);
    ASSERT_EQ(letters.size(), 2u);
    EXPECT_TRUE(letters[0].from.starts_with("MAIL FROM:<mods@nest.example>"));
    EXPECT_EQ(header_of(letters[0].data, "Subject"), "Subject: one");
    EXPECT_EQ(header_of(letters[1].data, "Subject"), "Subject: two");
    EXPECT_NE(letters[0].data.find("\r\na word\r\n"), std::string::npos);
    EXPECT_NE(letters[0].data.find("<p>a <b>word</b></p>"), std::string::npos);
    EXPECT_EQ(server.wait_for_letters(1).size(), 1u);
}

TEST_F(MailQueueTest, WithOnlyAModeratorsServerNothingElseIsPromised) {
    SmtpTestServer moderators;
    MailOptions options = options_for("");
    options.delivery = Delivery::refused;
    options.moderation = {.smtp_url = SecretText(moderators.url()), .from = "mods@nest.example"};
    start(options);
    EXPECT_TRUE(queue_->check_available(LetterKind::from_moderators).has_value());
    EXPECT_FALSE(queue_->check_available(LetterKind::reset_password).has_value());
}

TEST_F(MailQueueTest, ALetterOfAnUndoneTransactionIsNotSent) {
    SmtpTestServer server;
    start(options_for(server.url()));
    const auto body = [this](db::Transaction& t) -> Result<bool> {
        queue_->enqueue(t, letter_to("ann@example.org"), now());
        return Error::invalid("on second thought");
    };
    EXPECT_FALSE(loop_.run(database_->write(body)).has_value());
    enqueue(letter_to("bob@example.org"));
    const auto letters = server.wait_for_letters(1);
    EXPECT_EQ(letters.at(0).to, "RCPT TO:<bob@example.org>");
    EXPECT_TRUE(drains());
    EXPECT_EQ(server.letters(), 1u);
}

TEST_F(MailQueueTest, TriesAgainAfterATemporaryRefusalWithTheSameMessageId) {
    SmtpTestServer server;
    server.answer_next("RCPT", "451 greylisted");
    server.answer_next("RCPT", "451 greylisted");
    server.answer_next("CONTENT", "452 disk full");
    start(options_for(server.url()));
    enqueue(letter_to("ann@example.org"));
    EXPECT_EQ(server.wait_for_letters(1).size(), 1u);
    EXPECT_TRUE(drains());
    queue_->stop();
    EXPECT_EQ(queue_->stats().retried_total, 3);
    EXPECT_EQ(queue_->stats().delivered_total, 1);
    const auto attempts = server.attempts();
    ASSERT_EQ(attempts.size(), 2u);
    EXPECT_EQ(attempts[0].data, attempts[1].data);
    EXPECT_EQ(header_of(attempts[0].data, "Message-ID").size(),
              std::string_view("Message-ID: <@nest.example>").size() + 32);
}

TEST_F(MailQueueTest, WaitsLongerAfterEveryTry) {
    SmtpTestServer server;
    for (int i = 0; i < 3; ++i)
        server.answer_next("RCPT", "451 later");
    MailOptions options = options_for(server.url());
    options.retry_first_ms = 100;
    options.retry_longest_ms = 300;
    start(options);
    const std::int64_t started_us = monotonic_us();
    enqueue(letter_to("ann@example.org"));
    EXPECT_EQ(server.wait_for_letters(1).size(), 1u);
    const std::int64_t took_ms = (monotonic_us() - started_us) / 1'000;
    EXPECT_GE(took_ms, 100 + 200 + 300);
    EXPECT_LE(took_ms, 3'000);
}

TEST_F(MailQueueTest, DropsALetterThatIsRefusedForGood) {
    SmtpTestServer server;
    server.answer_next("RCPT", "550 nobody here");
    start(options_for(server.url()));
    enqueue(letter_to("ghost@example.org"));
    EXPECT_TRUE(server.wait_for_command("RCPT", 1));
    EXPECT_TRUE(drains());
    queue_->stop();
    EXPECT_EQ(queue_->stats().refused_total, 1);
    EXPECT_EQ(queue_->stats().retried_total, 0);
    EXPECT_EQ(server.letters(), 0u);
}

TEST_F(MailQueueTest, OneBadRecipientDoesNotHoldUpTheOthers) {
    SmtpTestServer server;
    MailOptions options = options_for(server.url());
    options.retry_first_ms = options.retry_longest_ms = 60'000;
    start(options);
    server.answer_next("RCPT", "451 later");
    enqueue(letter_to("slow@example.org"));
    EXPECT_TRUE(server.wait_for_command("RCPT", 1));
    enqueue(letter_to("ann@example.org"));
    EXPECT_EQ(server.wait_for_letters(1).at(0).to, "RCPT TO:<ann@example.org>");
}

TEST_F(MailQueueTest, WaitsForAServerThatIsDown) {
    int port = 0;
    {
        const SmtpTestServer server;
        port = server.port();
    }
    start(options_for("smtp://127.0.0.1:" + std::to_string(port)));
    enqueue(letter_to("ann@example.org"));
    for (int i = 0; i < 500 && queue_->stats().retried_total < 2; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_GE(queue_->stats().retried_total, 2);
    EXPECT_EQ(rows_waiting(), 1);
    SmtpTestServer server(port);
    EXPECT_EQ(server.wait_for_letters(1).size(), 1u);
    EXPECT_TRUE(drains());
}

TEST_F(MailQueueTest, LettersSurviveARestart) {
    MailOptions down = options_for("smtp://127.0.0.1:1");
    start(down);
    enqueue(letter_to("ann@example.org", "AAAAA-BBBBB"));
    enqueue(letter_to("bob@example.org", "CCCCC-DDDDD"));
    queue_.reset();
    database_.reset();
    database_ = std::move(*db::Database::open({.path = (folder_ / "roost.sqlite").string()}));
    EXPECT_EQ(rows_waiting(), 2);
    SmtpTestServer server;
    start(options_for(server.url()));
    std::set<std::string> recipients;
    for (const auto& letter : server.wait_for_letters(2))
        recipients.insert(letter.to);
    EXPECT_EQ(recipients,
              (std::set<std::string>{"RCPT TO:<ann@example.org>", "RCPT TO:<bob@example.org>"}));
    EXPECT_TRUE(drains());
}

TEST_F(MailQueueTest, StopsInTheMiddleOfADeliveryAndKeepsTheLetter) {
    SmtpTestServer server;
    server.answer_next("CONTENT", "");
    start(options_for(server.url()));
    enqueue(letter_to("ann@example.org"));
    EXPECT_TRUE(server.wait_for_command("CONTENT", 1));
    const std::int64_t started_us = monotonic_us();
    queue_->stop();
    EXPECT_LT(monotonic_us() - started_us, 2'000'000);
    EXPECT_EQ(rows_waiting(), 1);
    SmtpTestServer healthy;
    start(options_for(healthy.url()));
    EXPECT_EQ(healthy.wait_for_letters(1).size(), 1u);
    EXPECT_TRUE(drains());
}

TEST_F(MailQueueTest, GivesUpOnOldLettersWithoutSendingThem) {
    SmtpTestServer server;
    start(options_for(server.url()));
    enqueue(letter_to("late@example.org"), now().plus_s(-24 * 3'600 - 1));
    enqueue(letter_to("ann@example.org"), now().plus_s(-24 * 3'600 + 600));
    EXPECT_EQ(server.wait_for_letters(1).at(0).to, "RCPT TO:<ann@example.org>");
    EXPECT_TRUE(drains());
    queue_->stop();
    EXPECT_EQ(queue_->stats().given_up_total, 1);
    EXPECT_EQ(server.letters(), 1u);
}

TEST_F(MailQueueTest, LettersToAnAccountThatIsGoneAreNotSent) {
    MailOptions down = options_for("smtp://127.0.0.1:1");
    down.retry_first_ms = down.retry_longest_ms = 60'000;
    start(down);
    enqueue(letter_to("ann@example.org"));
    enqueue(letter_to("old@example.org", "BBBBB-BBBBB", LetterKind::update_email));
    Letter to_bob = letter_to("bob@example.org");
    to_bob.handle = "bob.nest.example";
    enqueue(to_bob);
    const auto body = [](db::Transaction& t) -> Result<bool> {
        MailQueue::forget(t, "ann.nest.example");
        return true;
    };
    EXPECT_TRUE(loop_.run(database_->write(body)).has_value());
    EXPECT_EQ(rows_waiting(), 1);
}

TEST_F(MailQueueTest, ANewerLetterReplacesTheOneThatWaits) {
    MailOptions down = options_for("smtp://127.0.0.1:1");
    down.retry_first_ms = down.retry_longest_ms = 60'000;
    start(down);
    enqueue(letter_to("ann@example.org", "AAAAA-AAAAA"));
    enqueue(letter_to("ann@example.org", "BBBBB-BBBBB"));
    EXPECT_EQ(rows_waiting(), 1);
    enqueue(letter_to("ann@example.org", "CCCCC-CCCCC", LetterKind::delete_account));
    EXPECT_EQ(rows_waiting(), 2);
    queue_.reset();
    // What waited for an hour is not due yet: make it so.
    const auto body = [](db::Transaction& t) -> Result<bool> {
        t.execute("UPDATE mail_queue SET next_try_at = 0");
        return true;
    };
    EXPECT_TRUE(loop_.run(database_->write(body)).has_value());
    SmtpTestServer server;
    start(options_for(server.url()));
    const auto letters = server.wait_for_letters(2);
    ASSERT_EQ(letters.size(), 2u);
    EXPECT_NE(letters[0].data.find("BBBBB-BBBBB"), std::string::npos);
    EXPECT_NE(letters[1].data.find("CCCCC-CCCCC"), std::string::npos);
}

TEST_F(MailQueueTest, NoValueCanAddAHeaderOrARecipient) {
    SmtpTestServer server;
    MailOptions options = options_for(server.url());
    options.branding.service = "Nest\r\nBcc: eve@evil.example\r\n\r\nX";
    start(options);
    enqueue(letter_to("ann@example.org>\r\nRCPT TO:<eve@evil.example"));
    enqueue(letter_to("ann@example.org,eve@evil.example"));
    EXPECT_EQ(rows_waiting(), 0);
    Letter letter = letter_to("ann@example.org", "ABCDE-FGHIJ", LetterKind::update_email);
    letter.handle = "ann\r\nBcc: eve@evil.example\r\n.\r\nRCPT TO:<eve@evil.example>\r\n";
    enqueue(letter);
    const auto letters = server.wait_for_letters(1);
    ASSERT_EQ(letters.size(), 1u);
    EXPECT_TRUE(drains());
    const std::string headers = letters[0].data.substr(0, letters[0].data.find("\r\n\r\n"));
    EXPECT_EQ(headers.find("\nBcc"), std::string::npos) << headers;
    EXPECT_EQ(server.transcript().find("eve"), std::string::npos);
    EXPECT_EQ(server.letters(), 1u);
}

TEST_F(MailQueueTest, ShowsAUtf8ServiceName) {
    SmtpTestServer server;
    MailOptions options = options_for(server.url());
    options.branding.service = "Vögel 🪺";
    options.from = "mail@nest.example";
    start(options);
    enqueue(letter_to("ann@example.org", "ABCDE-FGHIJ", LetterKind::sign_in_code));
    const auto letters = server.wait_for_letters(1);
    ASSERT_EQ(letters.size(), 1u);
    EXPECT_TRUE(letters[0].data.starts_with(
        "From: =?utf-8?B?VsO2Z2VsIPCfqro=?=\r\n <mail@nest.example>\r\n"))
        << letters[0].data;
    EXPECT_NE(letters[0].data.find("V=C3=B6gel =F0=9F=AA=BA"), std::string::npos);
    for (const char c : letters[0].data)
        EXPECT_LT(static_cast<unsigned char>(c), 0x80);
}

TEST_F(MailQueueTest, LogsNoAddressesAndNoTokens) {
    const std::string file = (folder_ / "log").string();
    log::start({.level = log::Level::trace, .file = file});
    SmtpTestServer server;
    server.answer_next("RCPT", "451 ann@example.org is greylisted");
    server.answer_next("RCPT", "550 ann@example.org is unknown");
    start(options_for(server.url()));
    enqueue(letter_to("ann@example.org"));
    EXPECT_TRUE(server.wait_for_command("RCPT", 2));
    EXPECT_TRUE(drains());
    enqueue(letter_to("ann@example.org"));
    enqueue(letter_to("ann.no.address"));
    EXPECT_EQ(server.wait_for_letters(1).size(), 1u);
    EXPECT_TRUE(drains());
    queue_.reset();
    log::flush();
    log::start({.level = log::Level::off, .file = (folder_ / "other").string()});
    std::ifstream stream(file);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_EQ(text.find("ann"), std::string::npos) << text;
    EXPECT_EQ(text.find("ABCDE"), std::string::npos) << text;
    for (const std::string_view fact :
         {"example.org", "reset_password", "451", "550", "mail delivered", "mail refused for good",
          "mail not delivered, will be tried again"})
        EXPECT_NE(text.find(fact), std::string::npos) << fact << "\n" << text;
}

TEST_F(MailQueueTest, WithoutAServerItRefusesClearly) {
    MailOptions options;
    start(options);
    const Result<void> available = queue_->check_available(LetterKind::reset_password);
    ASSERT_FALSE(available.has_value());
    EXPECT_EQ(available.error().fault, Fault::not_implemented);
    EXPECT_EQ(available.error().name, "MailUnavailable");
    EXPECT_NE(available.error().message.find("PDS_EMAIL_SMTP_URL"), std::string::npos);
    enqueue(letter_to("ann@example.org"));
    EXPECT_EQ(rows_waiting(), 0);
    EXPECT_TRUE(outbox().empty());
}

TEST_F(MailQueueTest, WithTooManyWaitingItRefusesForAWhile) {
    MailOptions down = options_for("smtp://127.0.0.1:1");
    start(down);
    const auto body = [](db::Transaction& t) -> Result<bool> {
        for (std::int64_t i = 0; i <= waiting_letters_max; ++i)
            t.execute(
                "INSERT INTO mail_queue (kind, recipient, handle, token, message_id, created_at,"
                " next_try_at, tries) VALUES ('reset_password', $1, 'h', 't', 'm', 0, $2, 0)",
                std::to_string(i) + "@example.org", now().plus_s(3'600));
        return true;
    };
    EXPECT_TRUE(loop_.run(database_->write(body)).has_value());
    queue_->wake();
    for (int i = 0; i < 500 && queue_->stats().waiting == 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(queue_->stats().waiting, waiting_letters_max + 1);
    const Result<void> available = queue_->check_available(LetterKind::reset_password);
    ASSERT_FALSE(available.has_value());
    EXPECT_EQ(available.error().fault, Fault::unavailable);
    EXPECT_GT(available.error().retry_after_s, 0);
}

TEST_F(MailQueueTest, TheOutboxKeepsTheLastHundredNewestFirst) {
    start_outbox();
    EXPECT_TRUE(queue_->check_available(LetterKind::reset_password).has_value());
    for (int i = 1; i <= 103; ++i)
        enqueue(letter_to("ann" + std::to_string(i) + "@example.org"), Timestamp{i * 1'000'000LL});
    const std::vector<StoredLetter> letters = outbox();
    ASSERT_EQ(letters.size(), 100u);
    EXPECT_EQ(letters.front().to, "ann103@example.org");
    EXPECT_EQ(letters.back().to, "ann4@example.org");
    EXPECT_EQ(letters.front().kind, LetterKind::reset_password);
    EXPECT_EQ(letters.front().created_at, Timestamp{103'000'000});
    EXPECT_EQ(letters.front().rendered.subject, "A new password for @ann.nest.example");
    EXPECT_NE(letters.front().rendered.text.find("ABCDE-FGHIJ"), std::string::npos);
    EXPECT_NE(letters.front().rendered.html.find("ABCDE-FGHIJ"), std::string::npos);
    EXPECT_EQ(rows_waiting(), 0);
}

TEST_F(MailQueueTest, WrongOptionsAreNamedAtTheStart) {
    MailOptions options = options_for("http://u:secret@x.example");
    Result<std::unique_ptr<MailQueue>> started = MailQueue::start(*database_, options);
    ASSERT_FALSE(started.has_value());
    EXPECT_NE(started.error().message.find("SMTP URL"), std::string::npos);
    EXPECT_EQ(started.error().message.find("secret"), std::string::npos);
    options = options_for("smtp://x.example");
    options.from = "nobody";
    started = MailQueue::start(*database_, options);
    ASSERT_FALSE(started.has_value());
    EXPECT_NE(started.error().message.find("sender"), std::string::npos);
    options = options_for("smtp://x.example");
    options.template_folder = (folder_ / "missing").string();
    EXPECT_FALSE(MailQueue::start(*database_, options).has_value());
}

}  // namespace
}  // namespace roost::pds::mail
