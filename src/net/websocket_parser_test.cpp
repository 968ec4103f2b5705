#include "net/websocket_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "net/test_websocket.h"

namespace roost::net {
namespace {

using Event = WebSocketParser::Event;

struct Parsed {
    std::vector<Event> events;
    std::string control;  // of the last control frame
    std::uint16_t code = 0;
};

// Given in pieces of that size, as a connection does it.
Parsed parse(std::string_view bytes, std::size_t piece_size = 1'000'000,
             WebSocketParser::Limits limits = {64 * 1024, 4}) {
    WebSocketParser parser(limits);
    Parsed parsed;
    std::string input;
    while (!bytes.empty()) {
        input += bytes.substr(0, piece_size);
        bytes.remove_prefix(std::min(piece_size, bytes.size()));
        while (!input.empty()) {
            const WebSocketParser::Step step = parser.parse(input);
            input.erase(0, step.consumed);
            if (step.event == Event::need_more && step.consumed == 0) break;
            if (step.event == Event::need_more) continue;
            parsed.events.push_back(step.event);
            if (step.event == Event::ping || step.event == Event::pong ||
                step.event == Event::close)
                parsed.control = as_text(parser.control_payload());
            parsed.code = parser.close_code();
            if (step.event == Event::refused) return parsed;
        }
    }
    return parsed;
}

std::uint16_t refusal_of(std::string_view bytes) {
    const Parsed parsed = parse(bytes);
    if (parsed.events.empty() || parsed.events.back() != Event::refused) return 0;
    return parsed.code;
}

TEST(WebSocketParser, TellsFramesApart) {
    const std::string bytes = client_frame(0x81, "hello") + client_frame(0x02, "a") +
                              client_frame(0x89, "are you there") + client_frame(0x00, "b") +
                              client_frame(0x80, "c") + client_frame(0x8a, "") +
                              client_frame(0x88, std::string("\x03\xe9", 2) + "bye");
    const std::vector<Event> expected = {Event::message,  Event::fragment, Event::ping,
                                         Event::fragment, Event::message,  Event::pong,
                                         Event::close};
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 1'000U}) {
        const Parsed parsed = parse(bytes, piece);
        EXPECT_EQ(parsed.events, expected) << piece;
        EXPECT_EQ(parsed.control, std::string("\x03\xe9", 2) + "bye");
        EXPECT_EQ(parsed.code, 1001);
    }
    EXPECT_EQ(parse(client_frame(0x89, "payload")).control, "payload");
    EXPECT_EQ(parse(client_frame(0x88, "")).code, 1000) << "who says nothing leaves in peace";
}

TEST(WebSocketParser, RefusesWhatTheProtocolForbids) {
    EXPECT_EQ(refusal_of(std::string("\x82\x01x", 3)), 1002) << "not masked";
    EXPECT_EQ(refusal_of(client_frame(0xc2, "x")), 1002) << "a reserved bit";
    for (const int opcode : {0x83, 0x87, 0x8b, 0x8f})
        EXPECT_EQ(refusal_of(client_frame(static_cast<std::uint8_t>(opcode), "")), 1002) << opcode;
    EXPECT_EQ(refusal_of(client_frame(0x09, "")), 1002) << "half a ping";
    EXPECT_EQ(refusal_of(client_frame(0x89, std::string(126, 'x'))), 1002) << "a long ping";
    EXPECT_EQ(refusal_of(client_frame(0x80, "x")), 1002) << "a continuation of nothing";
    EXPECT_EQ(refusal_of(client_frame(0x02, "x") + client_frame(0x82, "y")), 1002);
    EXPECT_EQ(refusal_of(std::string("\x82\xfe\x00\x05", 4)), 1002) << "a length too long";
    EXPECT_EQ(refusal_of(std::string("\x82\xff\x00\x00\x00\x00\x00\x00\x01\x00", 10)), 1002);
    EXPECT_EQ(refusal_of(std::string("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10)), 1002)
        << "2^63";
    EXPECT_EQ(refusal_of(client_frame(0x88, "x")), 1002) << "half a code";
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000}) {
        const char bytes[] = {static_cast<char>(code >> 8), static_cast<char>(code)};
        EXPECT_EQ(refusal_of(client_frame(0x88, {bytes, 2})), 1002) << code;
    }
    for (const char* text : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xe2\x82"})
        EXPECT_EQ(refusal_of(client_frame(0x88, "\x03\xe8" + std::string(text))), 1007);
    EXPECT_EQ(refusal_of(client_frame(0x88, "\x03\xe8\xe2\x82\xac\xf0\x9f\x98\x80")), 0);
}

TEST(WebSocketParser, BoundsMessages) {
    const std::string full(64 * 1024, 'x');
    EXPECT_EQ(refusal_of(client_frame(0x82, full)), 0);
    EXPECT_EQ(refusal_of(client_frame(0x82, full + "x")), 1009);
    EXPECT_EQ(refusal_of(client_frame(0x02, full) + client_frame(0x80, "x")), 1009);
    EXPECT_EQ(refusal_of(client_frame(0x02, full) + client_frame(0x89, "x")), 0)
        << "control frames do not count";
    EXPECT_EQ(refusal_of(client_frame(0x82, full) + client_frame(0x82, full)), 0);
    EXPECT_EQ(refusal_of(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10)), 1009)
        << "nobody waits for 2^63 bytes";
    const std::string piece = client_frame(0x00, "");
    const std::string three = client_frame(0x02, "") + piece + piece;
    EXPECT_EQ(refusal_of(three + client_frame(0x80, "")), 0);
    EXPECT_EQ(refusal_of(three + piece + piece), 1009) << "endless fragments";
}

TEST(WebSocketParser, DoesNotCareWhereTheBytesAreCut) {
    std::mt19937 random(20'261);  // NOLINT(cert-msc51-cpp): the same each time
    const auto pick = [&](int below) {
        return static_cast<int>(random() % static_cast<unsigned>(below));
    };
    for (int round = 0; round < 2'000; ++round) {
        std::string bytes;
        for (int i = pick(6); i >= 0; --i) {
            constexpr std::uint8_t firsts[] = {0x00, 0x01, 0x02, 0x80, 0x81, 0x82,
                                               0x88, 0x89, 0x8a, 0x8b, 0xc2};
            bytes += client_frame(firsts[pick(std::size(firsts))],
                                  std::string(static_cast<std::size_t>(pick(300)), 'x'));
        }
        if (pick(3) == 0)
            bytes[static_cast<std::size_t>(pick(static_cast<int>(bytes.size())))] ^= 1;
        const Parsed whole = parse(bytes);
        for (const std::size_t piece : {1U, 5U, 130U}) {
            const Parsed cut = parse(bytes, piece);
            ASSERT_EQ(cut.events, whole.events) << round << " in pieces of " << piece;
            ASSERT_EQ(cut.code, whole.code);
            ASSERT_EQ(cut.control, whole.control);
        }
    }
}

}  // namespace
}  // namespace roost::net
