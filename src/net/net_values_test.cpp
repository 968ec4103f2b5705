// The parts of the room that need no socket: addresses, URLs, encodings, the timer wheel.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "net/ascii.h"
#include "net/chunked.h"
#include "net/http.h"
#include "net/http_parser.h"
#include "net/ssrf_guard.h"
#include "net/timer_wheel.h"
#include "net/url.h"

namespace roost::net {
namespace {

TEST(Ascii, EveryCharacterCountsWhereverItStands) {
    for (std::size_t size = 1; size < 20; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (int byte = 0; byte < 256; ++byte) {
                std::string text(size, 'a');
                text[at] = static_cast<char>(byte);
                const bool is_control = byte < 0x20 || byte == 0x7f;
                ASSERT_EQ(has_control(text), is_control) << size << " " << at << " " << byte;
                ASSERT_EQ(is_field_text(text), !is_control || byte == '\t') << at << " " << byte;
                ASSERT_EQ(is_one_line(text), byte != '\r' && byte != '\n' && byte != 0) << byte;
            }
        }
    }
    EXPECT_FALSE(has_control(""));
}

TEST(IpAddress, ParsesAndPrints) {
    EXPECT_EQ(IpAddress::parse("192.0.2.7")->text(), "192.0.2.7");
    EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.7")->text(), "192.0.2.7");
    EXPECT_EQ(IpAddress::parse("2001:DB8:0:0::1")->text(), "2001:db8::1");
    EXPECT_EQ(IpAddress::parse("192.0.2.7"), IpAddress::parse("::ffff:c000:0207"));
    EXPECT_EQ(IpAddress::parse("2001:db8:1:2:3:4:5:6")->network().text(), "2001:db8:1:2::");
    EXPECT_EQ(IpAddress::parse("192.0.2.7")->network().text(), "192.0.2.7");
    for (const std::string_view bad :
         {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "[::1]", "::1%lo",
          ":::", "1.2.3.4:80", "localhost"})
        EXPECT_FALSE(IpAddress::parse(bad)) << bad;
    EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
    EXPECT_FALSE(IpAddress::parse(std::string(100, '1')));
}

TEST(SsrfGuard, KnowsThePublicAddresses) {
    for (const char* text : {"1.1.1.1",
                             "8.8.8.8",
                             "9.255.255.255",
                             "11.0.0.0",
                             "100.63.255.255",
                             "100.128.0.0",
                             "126.255.255.255",
                             "128.0.0.0",
                             "169.253.255.255",
                             "172.15.255.255",
                             "172.32.0.0",
                             "192.0.1.0",
                             "192.167.255.255",
                             "192.169.0.0",
                             "198.17.255.255",
                             "198.20.0.0",
                             "203.0.114.0",
                             "223.255.255.255",
                             "::ffff:8.8.8.8",
                             "2606:4700:4700::1111",
                             "2a00:1450:4001:80b::200e",
                             "2001:200::1",
                             "2003::1",
                             "2400::1"})
        EXPECT_TRUE(is_public_unicast(*IpAddress::parse(text))) << text;
    for (const char* text : {"0.0.0.0",
                             "0.255.255.255",
                             "10.0.0.0",
                             "10.255.255.255",
                             "100.64.0.0",
                             "100.127.255.255",
                             "127.0.0.1",
                             "127.255.255.255",
                             "169.254.169.254",
                             "172.16.0.0",
                             "172.31.255.255",
                             "192.0.0.1",
                             "192.0.2.1",
                             "192.88.99.1",
                             "192.168.0.0",
                             "192.168.255.255",
                             "198.18.0.0",
                             "198.19.255.255",
                             "198.51.100.1",
                             "203.0.113.1",
                             "224.0.0.1",
                             "239.255.255.255",
                             "240.0.0.0",
                             "255.255.255.255",
                             "::ffff:127.0.0.1",
                             "::ffff:10.0.0.1",
                             "::",
                             "::1",
                             "::127.0.0.1",
                             "::ffff:0:127.0.0.1",
                             "64:ff9b::1.1.1.1",
                             "64:ff9b::7f00:1",
                             "64:ff9b:1::1",
                             "100::1",
                             "2001::1",
                             "2001:0:53aa:64c::1",
                             "2001:2::1",
                             "2001:10::1",
                             "2001:20::1",
                             "2001:1ff::1",
                             "2001:db8::1",
                             "2002:7f00:1::1",
                             "2002:808:808::1",
                             "3fff::1",
                             "3fff:fff::1",
                             "4000::1",
                             "5f00::1",
                             "fc00::1",
                             "fd00::1",
                             "fe80::1",
                             "febf::1",
                             "fec0::1",
                             "ff02::1",
                             "ff0e::1"})
        EXPECT_FALSE(is_public_unicast(*IpAddress::parse(text))) << text;
}

TEST(Url, TakesApart) {
    const auto url = Url::parse("https://Example.COM:8443/a/b?c=d#e");
    ASSERT_TRUE(url);
    EXPECT_TRUE(url->is_https);
    EXPECT_EQ(url->host, "example.com");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->target, "/a/b?c=d");
    EXPECT_EQ(url->host_header, "Example.COM:8443");
    EXPECT_FALSE(url->is_ip_literal);
    EXPECT_EQ(Url::parse("http://a")->target, "/");
    EXPECT_EQ(Url::parse("http://a")->port, 80);
    EXPECT_EQ(Url::parse("http://a?q")->target, "/?q");
    EXPECT_EQ(Url::parse("http://a:80/")->host_header, "a");
    EXPECT_EQ(Url::parse("http://[::1]:81/")->host, "::1");
    EXPECT_EQ(Url::parse("http://[::1]:81/")->host_header, "[::1]:81");
    EXPECT_TRUE(Url::parse("http://[::1]/")->is_ip_literal);
    EXPECT_TRUE(Url::parse("http://127.0.0.1/")->is_ip_literal);
    for (const std::string_view bad : {"",
                                       "a",
                                       "ftp://a/",
                                       "https:/a",
                                       "https://",
                                       "https:///x",
                                       "https://u@a/",
                                       "https://u:p@a/",
                                       "https://a:0/",
                                       "https://a:65536/",
                                       "https://a:/",
                                       "https://a:+1/",
                                       "https://a:1x/",
                                       "https://a b/",
                                       "https://a/\r\nX: y",
                                       "https://a\\b/",
                                       "https://a..b/",
                                       "https://.a/",
                                       "https://[::1/",
                                       "https://[1.2.3.4]/",
                                       "https://[::1]x/",
                                       "https://127.1/",
                                       "https://0x7f000001/",
                                       "https://2130706433/",
                                       "https://a.0x1/",
                                       "https://1.2.3.4./",
                                       "https://ex%61mple/",
                                       "https://exämple/",
                                       "https://a/{x}"})
        EXPECT_FALSE(Url::parse(bad)) << bad;
    EXPECT_FALSE(Url::parse("https://" + std::string(254, 'a')));
}

TEST(Percent, RoundTrips) {
    EXPECT_EQ(percent_decode("a%20b+c%2B", UrlPart::query), "a b c+");
    EXPECT_EQ(percent_decode("a%20b+c", UrlPart::path), "a b+c");
    EXPECT_EQ(percent_decode("%00%fF", UrlPart::path), std::string("\0\xff", 2));
    for (const char* bad : {"%", "%1", "%g0", "%0g", "a%"})
        EXPECT_FALSE(percent_decode(bad, UrlPart::path)) << bad;
    std::string all;
    for (int i = 0; i < 256; ++i)
        all += static_cast<char>(i);
    EXPECT_EQ(percent_decode(percent_encode(all), UrlPart::query), all);
    EXPECT_EQ(percent_encode("did:web:a b/~"), "did%3Aweb%3Aa%20b%2F~");
}

TEST(Query, ParametersAreFoundByName) {
    EXPECT_EQ(query_parameter("a=1&b=2&b=3", "b"), "2");
    EXPECT_EQ(query_parameter("a=x%26b%3D2+", "a"), "x&b=2 ");
    EXPECT_EQ(query_parameter("%61=1", "a"), "1");
    EXPECT_EQ(query_parameter("ab=1&a&c=", "a"), "");
    EXPECT_EQ(query_parameter("ab=1&a&c=", "c"), "");
    EXPECT_EQ(query_parameter("ab=1", "a"), std::nullopt);
    EXPECT_EQ(query_parameter("", "a"), std::nullopt);
    EXPECT_EQ(query_parameter("a=%", "a"), std::nullopt);
}

TEST(Response, RefusesHeaderInjection) {
    Response response;
    response.add_header("X-A", "b");
    EXPECT_EQ(response.header_lines(), "X-A: b\r\n");
    EXPECT_DEATH(response.add_header("X-A", "b\r\nX-B: c"), "one line");
    EXPECT_DEATH(response.add_header("X A", "b"), "token");
}

// However the input is cut, the content is the same.
TEST(Chunks, AreWrittenAsTheyAreSpelled) {
    std::string body;
    append_chunk(body, std::string(26, 'a'));
    append_chunk(body, "b\r\n");
    append_chunk(body, "");
    EXPECT_EQ(body, "1a\r\n" + std::string(26, 'a') + "\r\n3\r\nb\r\n\r\n0\r\n\r\n");
}

TEST(ChunkedDecoder, DoesNotCareAboutPieces) {
    const std::string input =
        "5\r\nhello\r\nA;x=\"y\"\r\n, chunked \r\n005\r\nworld\r\n0\r\nA: b\r\nC:\r\n\r\nNEXT";
    std::mt19937 random(7);
    for (int round = 0; round < 500; ++round) {
        ChunkedDecoder decoder;
        std::string content;
        std::size_t begin = 0;
        std::size_t end = 0;
        while (true) {
            end = std::min(input.size(), end + random() % 9);
            const auto step = decoder.next(std::string_view(input).substr(begin, end - begin));
            begin += step.consumed;
            ASSERT_NE(step.state, ChunkedDecoder::State::malformed);
            content += step.data;
            if (step.state == ChunkedDecoder::State::ended) break;
        }
        ASSERT_EQ(content, "hello, chunked world");
        ASSERT_EQ(input.substr(begin), "NEXT");
    }
}

// Whatever a head is cut into, the verdict is the same as for the whole.
TEST(HeadParser, DoesNotCareAboutPieces) {
    const ServerLimits limits;
    for (const std::string& input :
         {std::string("GET /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
          std::string("\r\nPOST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"),
          std::string("GET / HTTP/1.1\r\nHost: x\r\n A: b\r\n\r\n"),
          std::string("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"), std::string("GET /\r\n\r\n")}) {
        HeadParser whole(limits);
        const HeadParser::State expected = whole.parse(input);
        HeadParser pieces(limits);
        HeadParser::State state = HeadParser::State::need_more;
        for (std::size_t end = 0; end <= input.size() && state == HeadParser::State::need_more;
             ++end)
            state = pieces.parse(std::string_view(input).substr(0, end));
        EXPECT_EQ(state, expected) << input;
        EXPECT_EQ(pieces.head().size, whole.head().size);
        EXPECT_EQ(pieces.head().target, whole.head().target);
        EXPECT_EQ(pieces.head().is_chunked, whole.head().is_chunked);
        EXPECT_EQ(pieces.refusal().message, whole.refusal().message);
    }
}

struct Alarm final : WheelEntry {
    std::vector<std::int64_t> rung;
    void on_due(std::int64_t now_us) override { rung.push_back(now_us); }
};

// Against the obvious model: an alarm rings once, at the first step at or after its time, give or
// take one tick; setting it anew forgets the old time.
TEST(TimerWheel, MatchesAModel) {
    std::mt19937 random(11);
    std::int64_t now_us = 1'000'000'000;
    TimerWheel wheel(now_us);
    std::array<Alarm, 50> alarms;
    std::map<Alarm*, std::int64_t> due;
    for (int step = 0; step < 20'000; ++step) {
        if (random() % 3 == 0) {
            Alarm& alarm = alarms[random() % alarms.size()];
            const std::int64_t delay_us = static_cast<std::int64_t>(random() % 60'000'000);
            if (random() % 5 == 0) {
                wheel.set(alarm, WheelEntry::never);
                due.erase(&alarm);
            } else {
                wheel.set(alarm, now_us + delay_us);
                due[&alarm] = now_us + delay_us;
            }
        }
        // The loop sleeps until next_us(), and never past it by much.
        const std::int64_t next_us = wheel.next_us();
        now_us += static_cast<std::int64_t>(random() % 200'000);
        if (next_us > now_us) continue;
        wheel.advance(now_us);
        for (Alarm& alarm : alarms) {
            const auto expected = due.find(&alarm);
            if (!alarm.rung.empty()) {
                ASSERT_EQ(alarm.rung.size(), 1u);
                ASSERT_NE(expected, due.end());
                ASSERT_LE(expected->second, now_us);
                due.erase(expected);
                alarm.rung.clear();
            } else if (expected != due.end()) {
                ASSERT_GT(expected->second + TimerWheel::tick_us, now_us);
            }
        }
    }
}

}  // namespace
}  // namespace roost::net
