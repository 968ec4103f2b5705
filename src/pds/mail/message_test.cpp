#include "pds/mail/message.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/bytes.h"
#include "base/encoding.h"

namespace roost::pds::mail {
namespace {

// What a mail program does, so that the encoders can be checked against it.
std::string decode_quoted_printable(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '=') {
            out += text[i];
        } else if (text.substr(i + 1, 2) == "\r\n") {
            i += 2;
        } else {
            out += as_text(*hex_decode(text.substr(i + 1, 2)));
            i += 2;
        }
    }
    return out;
}

std::string decode_words(std::string_view text) {
    constexpr std::string_view head = "=?utf-8?B?";
    std::string out;
    while (!text.empty()) {
        EXPECT_TRUE(text.starts_with(head)) << text;
        const std::size_t end = text.find("?=");
        EXPECT_LE(end + 2, 75u);
        out += as_text(*base64_decode(text.substr(head.size(), end - head.size())));
        text.remove_prefix(end + 2);
        if (!text.empty()) {
            EXPECT_TRUE(text.starts_with("\r\n ")) << text;
            text.remove_prefix(3);
        }
    }
    return out;
}

std::vector<std::string> lines_of(std::string_view message) {
    std::vector<std::string> lines;
    while (!message.empty()) {
        const std::size_t end = message.find("\r\n");
        lines.emplace_back(message.substr(0, end));
        if (end == std::string_view::npos) break;
        message.remove_prefix(end + 2);
    }
    return lines;
}

Message sample() {
    return {{"Example", "mail@example.com"},
            "ann@example.org",
            "Hello",
            "Hi,\n\nyour code: AAAAA-BBBBB\n",
            "<p>Hi</p>\n",
            Timestamp{1'763'837'456'123'456},
            "0123@pds.example.com"};
}

TEST(Message, HasItsHeadersAndBothBodies) {
    EXPECT_EQ(compose(sample()),
              "From: \"Example\"\r\n <mail@example.com>\r\n"
              "To: <ann@example.org>\r\n"
              "Subject: Hello\r\n"
              "Date: Sat, 22 Nov 2025 18:50:56 +0000\r\n"
              "Message-ID: <0123@pds.example.com>\r\n"
              "Auto-Submitted: auto-generated\r\n"
              "MIME-Version: 1.0\r\n"
              "Content-Type: multipart/alternative; boundary=\"=_roost_part\"\r\n"
              "\r\n"
              "--=_roost_part\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n"
              "\r\n"
              "Hi,\r\n\r\nyour code: AAAAA-BBBBB\r\n\r\n"
              "--=_roost_part\r\n"
              "Content-Type: text/html; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n"
              "\r\n"
              "<p>Hi</p>\r\n\r\n"
              "--=_roost_part--\r\n");
}

TEST(Message, NoValueCanStartAHeader) {
    const std::string evil = "x\r\nBcc: eve@evil.example\r\n\r\nbody\n\rBcc: eve\0!";
    Message message = sample();
    message.from.name = evil;
    message.subject = evil;
    message.message_id = evil;
    message.text = evil + "\r\n.\r\n--=_roost_part\r\nBcc: eve@evil.example\r\n";
    std::size_t headers = 0;
    for (const std::string& line : lines_of(compose(message))) {
        if (line.empty()) break;
        ++headers;
        EXPECT_FALSE(line.starts_with("Bcc")) << line;
        EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos);
    }
    EXPECT_EQ(headers, 9u);  // From has two lines
    std::size_t boundaries = 0;
    for (const std::string& line : lines_of(compose(message))) {
        if (line.starts_with("--=_roost_part")) ++boundaries;
        EXPECT_NE(line, ".");
    }
    EXPECT_EQ(boundaries, 3u);
}

TEST(Message, EncodesNamesAndSubjects) {
    Message message = sample();
    message.from.name = "Bücher & \"Freunde\"";
    message.subject = "Grüße";
    const std::string text = compose(message);
    EXPECT_NE(
        text.find("From: =?utf-8?B?QsO8Y2hlciAmICJGcmV1bmRlIg==?=\r\n <mail@example.com>\r\n"),
        std::string::npos)
        << text;
    EXPECT_NE(text.find("Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"), std::string::npos) << text;

    message.from.name = "A \"B\" \\ C";
    EXPECT_NE(compose(message).find("From: \"A \\\"B\\\" \\\\ C\"\r\n"), std::string::npos);
    message.from.name = "";
    EXPECT_TRUE(compose(message).starts_with("From: <mail@example.com>\r\n"));
}

TEST(Message, CutsLongNamesBetweenCharacters) {
    std::string name;
    for (int i = 0; i < 60; ++i)
        name += i % 3 == 0 ? "🪺" : "é";
    const std::string encoded = encode_header_text(name);
    EXPECT_EQ(decode_words(encoded), name);
    for (const std::string& line : lines_of(encoded)) {
        const std::size_t from = line.find("?B?") + 3;
        const std::string text(as_text(*base64_decode(line.substr(from, line.rfind("?=") - from))));
        EXPECT_NE(static_cast<unsigned char>(text.front()) & 0xc0, 0x80) << "starts mid-character";
    }
    // Not UTF-8 at all: still bounded, still whole.
    const std::string broken(200, '\x80');
    EXPECT_EQ(decode_words(encode_header_text(broken)), broken);
}

TEST(Message, TextThatLooksEncodedIsEncoded) {
    EXPECT_EQ(decode_words(encode_header_text("=?utf-8?Q?x?=")), "=?utf-8?Q?x?=");
    EXPECT_EQ(encode_header_text("plain = text?"), "plain = text?");
}

TEST(Message, QuotedPrintableKeepsLinesShortAndGoesBack) {
    EXPECT_EQ(encode_quoted_printable("a=b"), "a=3Db");
    EXPECT_EQ(encode_quoted_printable("end \nnext\t"), "end=20\r\nnext=09");
    EXPECT_EQ(encode_quoted_printable(".\n.x\na."), "=2E\r\n=2Ex\r\na.");
    EXPECT_EQ(encode_quoted_printable("From me"), "=46rom me");
    EXPECT_EQ(encode_quoted_printable("a\r\nb\rc"), "a\r\nb=0Dc");
    EXPECT_EQ(encode_quoted_printable("ü"), "=C3=BC");

    std::mt19937 random(7);
    const std::vector<std::string> pieces = {
        "word", " ", "\n", "=", "ü", ".", "\t", "\r\n", "<a href=\"x\">", std::string(90, 'z'),
        "🪺"};
    for (int round = 0; round < 500; ++round) {
        std::string text;
        std::string expected;
        for (int i = 0; i < 40; ++i) {
            const std::string& piece = pieces[random() % pieces.size()];
            text += piece;
            expected += piece == "\n" ? "\r\n" : piece;
        }
        const std::string encoded = encode_quoted_printable(text);
        EXPECT_EQ(decode_quoted_printable(encoded), expected);
        for (const std::string& line : lines_of(encoded)) {
            EXPECT_LE(line.size(), 76u) << line;
            EXPECT_FALSE(line.ends_with(' ') || line.ends_with('\t')) << line;
        }
    }
}

TEST(Message, WritesDates) {
    EXPECT_EQ(format_date(Timestamp{0}), "Thu, 1 Jan 1970 00:00:00 +0000");
    EXPECT_EQ(format_date(Timestamp{1'709'210'096'000'000}), "Thu, 29 Feb 2024 12:34:56 +0000");
}

TEST(Message, ReadsTheSender) {
    const Result<Mailbox> bare = parse_mailbox("a@example.com", "Nest");
    ASSERT_TRUE(bare.has_value());
    EXPECT_EQ(bare->name, "Nest");
    EXPECT_EQ(bare->address, "a@example.com");
    for (const char* text : {"The Nest <a@example.com>", "\"The Nest\" <a@example.com>"}) {
        const Result<Mailbox> named = parse_mailbox(text, "Nest");
        ASSERT_TRUE(named.has_value()) << text;
        EXPECT_EQ(named->name, "The Nest");
        EXPECT_EQ(named->address, "a@example.com");
    }
    EXPECT_EQ(parse_mailbox("<a@example.com>", "Nest")->name, "Nest");
    for (const char* text : {"", "x", "a@b.co>", "N <a@b>", "N <a@b.co> x", "N <a@b.co\r\n>", ">"})
        EXPECT_FALSE(parse_mailbox(text, "Nest").has_value()) << text;
}

}  // namespace
}  // namespace roost::pds::mail
