// The frames of a WebSocket client, checked as they arrive.
//
// The contents of messages are thrown away, those of control frames kept. Pure: no I/O, no clock,
// no memory of its own beyond one control frame. Part of the room's inside.
// https://www.rfc-editor.org/rfc/rfc6455#section-5.2
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "net/websocket.h"

namespace roost::net {

class WebSocketParser {
  public:
    // Of one message, over all of its fragments.
    struct Limits {
        std::size_t message_bytes_max;
        std::size_t fragments_max;
    };
    enum class Event {
        need_more,  // all bytes but those of a cut head are consumed
        fragment,   // the end of a frame, but not of its message
        message,
        ping,
        pong,
        close,
        refused,  // nothing that follows means anything
    };
    struct Step {
        Event event;
        std::size_t consumed;
    };

    explicit WebSocketParser(const Limits& limits) : limits_(limits) {}

    Step parse(std::string_view input);

    // After ping, pong and close, until the next call: what the frame carries.
    ByteView control_payload() const { return {control_.data(), control_size_}; }
    // After close: what the peer says; `normal` if it says nothing. After refused: what to tell it.
    std::uint16_t close_code() const { return close_code_; }
    // After refused.
    std::string_view reason() const { return reason_; }

  private:
    enum class State { head, payload, refused };

    Step parse_head(std::string_view input);
    Event finish_frame();
    Event finish_close();
    Event refuse(CloseCode code, std::string_view reason);
    // Nothing wrong: true.
    bool accept_head(std::uint8_t first, std::uint8_t second);
    bool accept_size(std::uint64_t size);

    const Limits limits_;
    State state_ = State::head;
    std::uint8_t opcode_ = 0;
    bool is_final_ = false;
    std::uint64_t left_ = 0;  // of the payload
    std::array<std::uint8_t, 4> mask_{};
    std::size_t mask_at_ = 0;
    bool is_in_message_ = false;
    std::uint64_t message_bytes_ = 0;
    std::size_t fragments_ = 0;
    std::array<std::uint8_t, 125> control_{};
    std::size_t control_size_ = 0;
    std::uint16_t close_code_ = 0;
    std::string_view reason_;
};

}  // namespace roost::net
