// Where the bytes of a WebSocket client are cut does not matter, and what it says stays within its
// bounds. The first byte of the input chooses the size of the pieces.
#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "net/websocket_parser.h"

namespace {

using roost::check;
using roost::net::WebSocketParser;
using Event = WebSocketParser::Event;

constexpr WebSocketParser::Limits limits{1'000, 5};

struct Heard {
    std::vector<Event> events;
    std::vector<std::string> controls;
    std::uint16_t code = 0;
    friend bool operator==(const Heard&, const Heard&) = default;
};

Heard hear(std::string_view bytes, std::size_t piece_size) {
    WebSocketParser parser(limits);
    Heard heard;
    std::string input;
    std::size_t fragments = 0;
    while (!bytes.empty()) {
        input += bytes.substr(0, piece_size);
        bytes.remove_prefix(std::min(piece_size, bytes.size()));
        while (!input.empty()) {
            const WebSocketParser::Step step = parser.parse(input);
            check(step.consumed <= input.size(), "only what is there is consumed");
            input.erase(0, step.consumed);
            if (step.event == Event::need_more) {
                if (step.consumed > 0) continue;
                check(input.size() < 14, "only a head is waited for");
                break;
            }
            heard.events.push_back(step.event);
            heard.code = parser.close_code();
            fragments = step.event == Event::fragment  ? fragments + 1
                        : step.event == Event::message ? 0
                                                       : fragments;
            check(fragments <= limits.fragments_max, "a message has so many fragments");
            if (step.event == Event::ping || step.event == Event::pong ||
                step.event == Event::close) {
                check(parser.control_payload().size() <= 125, "a control frame is short");
                heard.controls.emplace_back(roost::as_text(parser.control_payload()));
            }
            if (step.event == Event::refused) {
                check(!parser.reason().empty(), "a refusal has a reason");
                check(parser.parse(input).event == Event::refused, "and is final");
                return heard;
            }
        }
    }
    return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece_size = 1 + data[0] % 32;
    const std::string_view bytes = roost::as_text({data + 1, size - 1});
    check(hear(bytes, piece_size) == hear(bytes, std::max<std::size_t>(bytes.size(), 1)),
          "where it is cut does not matter");
    return 0;
}
