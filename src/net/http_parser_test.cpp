#include "net/http_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace roost::net {
namespace {

using State = HeadParser::State;

// One head for one parser: it borrows the text.
struct Parsed {
    explicit Parsed(std::string text) : bytes(std::move(text)), state(parser.parse(bytes)) {}

    const ServerLimits limits;
    const std::string bytes;
    HeadParser parser{limits};
    State state;
};

TEST(HeadParser, TakesAHeadApart) {
    const Parsed parsed(
        "POST /a/b?c=d HTTP/1.1\r\nHOST: a.test:80\r\nx-empty:\r\nX-Odd: \t\xc3\xa9 \t b\t \r\n"
        "Content-Length: 12\r\nContent-Encoding: gzip\r\nExpect: 100-Continue\r\n\r\nbody");
    ASSERT_EQ(parsed.state, State::complete);
    const RequestHead& head = parsed.parser.head();
    EXPECT_EQ(head.method, Method::post);
    EXPECT_EQ(head.method_text, "POST");
    EXPECT_EQ(head.path, "/a/b");
    EXPECT_EQ(head.query, "c=d");
    EXPECT_EQ(head.size, parsed.bytes.size() - 4);
    ASSERT_EQ(head.headers.size(), 6u);
    EXPECT_EQ(head.headers[0].name, "HOST");
    EXPECT_EQ(head.headers[0].value, "a.test:80");
    EXPECT_EQ(head.headers[1].value, "");
    EXPECT_EQ(head.headers[2].value, "\xc3\xa9 \t b");
    EXPECT_EQ(head.content_length, 12u);
    EXPECT_EQ(head.content_encoding, "gzip");
    EXPECT_TRUE(head.expects_continue);
    EXPECT_TRUE(head.keeps_alive);
    EXPECT_FALSE(head.is_chunked);
    EXPECT_FALSE(head.is_head);
}

TEST(HeadParser, RefusesAMalformedRequestLine) {
    for (const char* line : {" GET / HTTP/1.1",
                             "GET  / HTTP/1.1",
                             "GET /  HTTP/1.1",
                             "GET /a b HTTP/1.1",
                             "GET\t/ HTTP/1.1",
                             "GET HTTP/1.1",
                             "GET  HTTP/1.1",
                             " HTTP/1.1",
                             "/ HTTP/1.1",
                             "G(T / HTTP/1.1",
                             "GET /\x01 HTTP/1.1",
                             "GET /\x7f HTTP/1.1",
                             "GET /\r HTTP/1.1",
                             "GET / HTTP/1.2",
                             "GET / HTTP/2.0",
                             "GET / http/1.1",
                             "GET /",
                             "GET a HTTP/1.1",
                             "GET /#a HTTP/1.1",
                             "\xc3\xa9 / HTTP/1.1"}) {
        const Parsed parsed(std::string(line) + "\r\nHost: a\r\n\r\n");
        EXPECT_EQ(parsed.state, State::refused) << line;
        EXPECT_EQ(parsed.parser.refusal().status, 400) << line;
    }
}

TEST(HeadParser, RefusesAMalformedHeader) {
    for (const std::string_view line :
         {std::string_view("X : a"), std::string_view("X\t: a"), std::string_view(": a"),
          std::string_view("X Y: a"), std::string_view("X"), std::string_view("X(: a"),
          std::string_view("\xc3\xa9: a"), std::string_view("X: a\x01"),
          std::string_view("X: a\x7f"), std::string_view("X: a\rb"), std::string_view("X: a\0b", 6),
          std::string_view("X\0: a", 5), std::string_view(" X: a"),
          std::string_view("Connection: a b"), std::string_view("Connection: close, (")}) {
        const Parsed parsed("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(line) + "\r\n\r\n");
        EXPECT_EQ(parsed.state, State::refused) << line;
        EXPECT_EQ(parsed.parser.refusal().status, 400) << line;
    }
}

TEST(HeadParser, KnowsWhetherTheConnectionStays) {
    const auto stays = [](const std::string& version, const std::string& header) {
        const Parsed parsed("GET / HTTP/" + version + "\r\nHost: a\r\n" + header + "\r\n");
        EXPECT_EQ(parsed.state, State::complete) << header;
        return parsed.parser.head().keeps_alive;
    };
    for (const char* header : {"", "Connection:\r\n", "Connection: upgrade\r\n",
                               "Connection: keep-alive\r\n", "Connection: closed, ,x\r\n"})
        EXPECT_TRUE(stays("1.1", header)) << header;
    for (const char* header : {"Connection: close\r\n", "Connection: x,Close\r\n",
                               "Connection: keep-alive\r\nConnection: close\r\n"})
        EXPECT_FALSE(stays("1.1", header)) << header;
    EXPECT_TRUE(stays("1.0", "Connection: , Keep-Alive ,\r\n"));
    for (const char* header : {"", "Connection: close\r\n", "Connection: keep-alive, close\r\n"})
        EXPECT_FALSE(stays("1.0", header)) << header;
}

}  // namespace
}  // namespace roost::net
