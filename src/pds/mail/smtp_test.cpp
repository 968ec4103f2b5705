#include "pds/mail/smtp.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/clock.h"
#include "pds/mail/smtp_test_server.h"

namespace roost::pds::mail {
namespace {

const Envelope envelope{"mail@example.com", "ann@example.org", "pds.example.com"};

SmtpServer server_at(const std::string& url) {
    Result<SmtpServer> server = parse_smtp_url(url);
    check(server.has_value(), "the test's URL is right");
    return *server;
}

SendReport send_to(const std::string& url,
                   std::string_view message = "Subject: x\r\n\r\nHello\r\n") {
    const std::atomic<bool> stop = false;
    return send(server_at(url), envelope, message, stop);
}

TEST(SmtpUrl, IsTakenApart) {
    const SmtpServer full =
        server_at("smtps://user%40example.com:p%3Aa%2Fss@mail.example.com:2465/");
    EXPECT_EQ(full.host, "mail.example.com");
    EXPECT_EQ(full.port, 2465);
    EXPECT_EQ(full.tls, Tls::from_start);
    EXPECT_EQ(full.certificate, Certificate::verified);
    EXPECT_EQ(full.user, "user@example.com");
    EXPECT_EQ(full.password.reveal(), "p:a/ss");

    EXPECT_EQ(server_at("smtps://mail.example.com").port, 465);
    EXPECT_EQ(server_at("smtp://mail.example.com").port, 587);
    EXPECT_EQ(server_at("smtp://[::1]:25").host, "[::1]");
    EXPECT_EQ(server_at("smtp://mail.example.com").user, "");
}

TEST(SmtpUrl, ALoginNeedsTlsUnlessItStaysHere) {
    EXPECT_EQ(server_at("smtp://mail.example.com").tls, Tls::if_offered);
    EXPECT_EQ(server_at("smtp://u:p@mail.example.com").tls, Tls::demanded);
    EXPECT_EQ(server_at("smtp://u:p@127.0.0.1").tls, Tls::if_offered);
    EXPECT_EQ(server_at("smtp://u:p@localhost").tls, Tls::if_offered);
    EXPECT_EQ(server_at("smtp://u:p@mail.example.com?ignoreTLS=true").tls, Tls::never);
    EXPECT_EQ(server_at("smtp://mail.example.com?requireTLS=true").tls, Tls::demanded);
    EXPECT_EQ(server_at("smtps://u:p@mail.example.com?ignoreTLS=true").tls, Tls::from_start);
}

TEST(SmtpUrl, ReadsTheReferencesOptions) {
    const SmtpServer server = server_at(
        "smtp://mail.example.com:25/?pool=true&requireTLS=true&tls.rejectUnauthorized=false");
    EXPECT_EQ(server.tls, Tls::demanded);
    EXPECT_EQ(server.certificate, Certificate::taken_as_it_is);
    const Result<SmtpServer> unknown = parse_smtp_url("smtp://u:secret@x.example?sendmail=true");
    ASSERT_FALSE(unknown.has_value());
    EXPECT_NE(unknown.error().message.find("\"sendmail\""), std::string::npos);
}

TEST(SmtpUrl, RefusesOthersWithoutRepeatingThem) {
    for (const char* url : {"", "mail.example.com", "http://u:secret@mail.example.com", "smtp://",
                            "smtp://u:secret@", "smtp:///?sendmail=true", "smtp://u:secret@x:99999",
                            "smtp://u:secret@x:0", "smtp://u:secret@x/path", "smtp://u:secret@x y",
                            "smtp://u:secret@x.example?requireTLS=secret", "file:///etc/secret"}) {
        const Result<SmtpServer> server = parse_smtp_url(url);
        ASSERT_FALSE(server.has_value()) << url;
        EXPECT_EQ(server.error().message.find("secret"), std::string::npos) << url;
    }
}

TEST(Smtp, DeliversTheMessageByteForByte) {
    SmtpTestServer server;
    const std::string message = "Subject: x\r\n\r\nHello\r\n.\r\n..dots\r\n.\r\nend\r\n";
    const SendReport report = send_to(server.url(), message);
    EXPECT_EQ(report.outcome, SendOutcome::delivered) << report.reason;
    const auto letters = server.wait_for_letters(1);
    ASSERT_EQ(letters.size(), 1u);
    EXPECT_EQ(letters[0].hello, "pds.example.com");
    EXPECT_TRUE(letters[0].from.starts_with("MAIL FROM:<mail@example.com>")) << letters[0].from;
    EXPECT_EQ(letters[0].to, "RCPT TO:<ann@example.org>");
    EXPECT_EQ(letters[0].data, message);
}

TEST(Smtp, LogsIn) {
    SmtpTestServer server;
    const std::string url = "smtp://ann:p%40ss@127.0.0.1:" + std::to_string(server.port());
    EXPECT_EQ(send_to(url).outcome, SendOutcome::delivered);
    // base64 of "\0ann\0p@ss"
    EXPECT_NE(server.transcript().find("AUTH PLAIN\nAGFubgBwQHNz\n"), std::string::npos)
        << server.transcript();
}

TEST(Smtp, ARefusedLoginIsNotTheLettersFault) {
    SmtpTestServer server;
    server.answer_next("AUTH", "535 no");
    const std::string url = "smtp://ann:pass@127.0.0.1:" + std::to_string(server.port());
    const SendReport report = send_to(url);
    EXPECT_EQ(report.outcome, SendOutcome::try_later);
    EXPECT_EQ(report.reply_code, 535);
    EXPECT_EQ(server.letters(), 0u);
}

TEST(Smtp, ALoginIsNotSentInTheClearWhenTlsIsDemanded) {
    SmtpTestServer server;
    const std::string url =
        "smtp://ann:pass@127.0.0.1:" + std::to_string(server.port()) + "?requireTLS=true";
    EXPECT_EQ(send_to(url).outcome, SendOutcome::try_later);
    EXPECT_EQ(server.transcript().find("AUTH"), std::string::npos);
    EXPECT_EQ(server.transcript().find("MAIL"), std::string::npos);
}

TEST(Smtp, TellsRefusalsOfTheLetterFromTroubleOfTheServer) {
    struct Case {
        const char* command;
        const char* reply;
        SendOutcome outcome;
        int code;
    };
    for (const Case& one : {Case{"GREETING", "554 go away", SendOutcome::try_later, 554},
                            Case{"GREETING", "421 busy", SendOutcome::try_later, 421},
                            Case{"MAIL", "550 not you", SendOutcome::try_later, 550},
                            Case{"MAIL", "451 busy", SendOutcome::try_later, 451},
                            Case{"RCPT", "451 greylisted", SendOutcome::try_later, 451},
                            Case{"RCPT", "550 nobody here", SendOutcome::refused, 550},
                            Case{"DATA", "451 busy", SendOutcome::try_later, 451},
                            Case{"DATA", "554 no", SendOutcome::refused, 554},
                            Case{"CONTENT", "452 disk full", SendOutcome::try_later, 452},
                            Case{"CONTENT", "554 spam", SendOutcome::refused, 554}}) {
        SmtpTestServer server;
        server.answer_next(one.command, one.reply);
        const SendReport report = send_to(server.url());
        EXPECT_EQ(report.outcome, one.outcome) << one.command << " " << one.reply;
        EXPECT_EQ(report.reply_code, one.code) << one.command << " " << one.reply;
        EXPECT_EQ(server.letters(), 0u);
    }
}

TEST(Smtp, ReasonsDoNotQuoteTheServer) {
    SmtpTestServer server;
    server.answer_next("RCPT", "550 ann@example.org is unknown");
    EXPECT_EQ(send_to(server.url()).reason, "the recipient was refused");
    server.answer_next("MAIL", "450 mail@example.com is slow");
    EXPECT_EQ(send_to(server.url()).reason.find("example"), std::string::npos);
}

TEST(Smtp, NobodyThereIsTryLater) {
    int port = 0;
    {
        const SmtpTestServer server;
        port = server.port();
    }
    const SendReport report = send_to("smtp://127.0.0.1:" + std::to_string(port));
    EXPECT_EQ(report.outcome, SendOutcome::try_later);
    EXPECT_EQ(report.reply_code, 0);
}

TEST(Smtp, AStopEndsAHangingDelivery) {
    for (const char* command : {"GREETING", "RCPT", "CONTENT"}) {
        SmtpTestServer server;
        server.answer_next(command, "");
        std::atomic<bool> stop = false;
        SendReport report;
        std::thread sender(
            [&] { report = send(server_at(server.url()), envelope, "x\r\n", stop); });
        EXPECT_TRUE(server.wait_for_command(command, 1));
        const std::int64_t started_us = monotonic_us();
        stop = true;
        sender.join();
        EXPECT_EQ(report.outcome, SendOutcome::stopped) << command;
        EXPECT_LT(monotonic_us() - started_us, 1'800'000) << command;
    }
}

}  // namespace
}  // namespace roost::pds::mail
