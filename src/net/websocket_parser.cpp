#include "net/websocket_parser.h"

#include <algorithm>

namespace roost::net {

namespace {

constexpr std::uint8_t op_continuation = 0x0;
constexpr std::uint8_t op_binary = 0x2;
constexpr std::uint8_t op_close = 0x8;
constexpr std::uint8_t op_ping = 0x9;
constexpr std::uint8_t op_pong = 0xa;

bool is_control(std::uint8_t opcode) {
    return (opcode & 0x8) != 0;
}

// https://www.rfc-editor.org/rfc/rfc6455#section-7.4.2
bool may_be_sent(std::uint16_t code) {
    if (code >= 3'000) return code < 5'000;
    return (code >= 1'000 && code <= 1'003) || (code >= 1'007 && code <= 1'014);
}

// https://www.rfc-editor.org/rfc/rfc3629#section-4
bool is_utf8(ByteView bytes) {
    std::size_t i = 0;
    while (i < bytes.size()) {
        const std::uint8_t first = bytes[i++];
        if (first < 0x80) continue;
        const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || bytes.size() - i < more) return false;
        std::uint8_t low = 0x80;
        std::uint8_t high = 0xbf;
        if (first == 0xe0) low = 0xa0;
        if (first == 0xed) high = 0x9f;
        if (first == 0xf0) low = 0x90;
        if (first == 0xf4) high = 0x8f;
        for (std::size_t k = 0; k < more; ++k, low = 0x80, high = 0xbf) {
            const std::uint8_t next = bytes[i++];
            if (next < low || next > high) return false;
        }
    }
    return true;
}

}  // namespace

WebSocketParser::Event WebSocketParser::refuse(CloseCode code, std::string_view reason) {
    state_ = State::refused;
    close_code_ = static_cast<std::uint16_t>(code);
    reason_ = reason;
    return Event::refused;
}

WebSocketParser::Step WebSocketParser::parse(std::string_view input) {
    if (state_ == State::refused) return {Event::refused, 0};
    std::size_t consumed = 0;
    if (state_ == State::head) {
        const Step head = parse_head(input);
        if (state_ != State::payload) return head;
        consumed = head.consumed;
    }
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - consumed));
    if (is_control(opcode_)) {
        for (const char c : input.substr(consumed, size))
            control_[control_size_++] = static_cast<std::uint8_t>(c) ^ mask_[mask_at_++ % 4];
    }
    left_ -= size;
    consumed += size;
    if (left_ > 0) return {Event::need_more, consumed};
    state_ = State::head;
    return {finish_frame(), consumed};
}

WebSocketParser::Step WebSocketParser::parse_head(std::string_view input) {
    if (input.size() < 2) return {Event::need_more, 0};
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(input[i]); };
    if (!accept_head(byte(0), byte(1))) return {Event::refused, 0};
    const std::uint8_t short_size = byte(1) & 0x7f;
    const std::size_t size_bytes = short_size == 127 ? 8 : short_size == 126 ? 2 : 0;
    const std::size_t head_size = 2 + size_bytes + mask_.size();
    if (input.size() < 2 + size_bytes) return {Event::need_more, 0};
    std::uint64_t size = size_bytes == 0 ? short_size : 0;
    for (std::size_t i = 0; i < size_bytes; ++i)
        size = size << 8 | byte(2 + i);
    if ((size_bytes == 2 && size < 126) || (size_bytes == 8 && size < 65'536) ||
        (size >> 63) != 0) {
        refuse(CloseCode::protocol_error, "a length is not in its shortest form");
        return {Event::refused, 0};
    }
    if (!is_control(byte(0) & 0x0f) && !accept_size(size)) return {Event::refused, 0};
    if (input.size() < head_size) return {Event::need_more, 0};
    for (std::size_t i = 0; i < mask_.size(); ++i)
        mask_[i] = byte(2 + size_bytes + i);
    mask_at_ = 0;
    opcode_ = byte(0) & 0x0f;
    is_final_ = (byte(0) & 0x80) != 0;
    left_ = size;
    if (is_control(opcode_)) {
        control_size_ = 0;
    } else {
        message_bytes_ = (is_in_message_ ? message_bytes_ : 0) + size;
        fragments_ = (is_in_message_ ? fragments_ : 0) + 1;
    }
    state_ = State::payload;
    return {Event::need_more, head_size};
}

bool WebSocketParser::accept_head(std::uint8_t first, std::uint8_t second) {
    const std::uint8_t opcode = first & 0x0f;
    const auto wrong = [this](std::string_view reason) {
        refuse(CloseCode::protocol_error, reason);
        return false;
    };
    if ((first & 0x70) != 0) return wrong("no extension was agreed on");
    if (is_control(opcode) ? opcode > op_pong : opcode > op_binary) return wrong("unknown opcode");
    if ((second & 0x80) == 0) return wrong("a client must mask its frames");
    if (is_control(opcode)) {
        if ((first & 0x80) == 0) return wrong("a control frame is not cut");
        if ((second & 0x7f) > 125) return wrong("a control frame is short");
        return true;
    }
    if ((opcode == op_continuation) != is_in_message_)
        return wrong(is_in_message_ ? "a message within another" : "nothing to continue");
    return true;
}

bool WebSocketParser::accept_size(std::uint64_t size) {
    const std::uint64_t before = is_in_message_ ? message_bytes_ : 0;
    if (size > limits_.message_bytes_max || before + size > limits_.message_bytes_max) {
        refuse(CloseCode::too_big, "the message is too long");
        return false;
    }
    if (is_in_message_ && fragments_ >= limits_.fragments_max) {
        refuse(CloseCode::too_big, "the message has too many fragments");
        return false;
    }
    return true;
}

WebSocketParser::Event WebSocketParser::finish_frame() {
    switch (opcode_) {
        case op_ping:
            return Event::ping;
        case op_pong:
            return Event::pong;
        case op_close:
            return finish_close();
        default:
            is_in_message_ = !is_final_;
            return is_final_ ? Event::message : Event::fragment;
    }
}

WebSocketParser::Event WebSocketParser::finish_close() {
    close_code_ = static_cast<std::uint16_t>(CloseCode::normal);
    if (control_size_ == 0) return Event::close;
    if (control_size_ == 1) return refuse(CloseCode::protocol_error, "half a close code");
    const auto code = static_cast<std::uint16_t>(control_[0] << 8 | control_[1]);
    if (!may_be_sent(code)) return refuse(CloseCode::protocol_error, "no such close code");
    if (!is_utf8(control_payload().subspan(2)))
        return refuse(CloseCode::invalid_data, "the reason is not UTF-8");
    close_code_ = code;
    return Event::close;
}

}  // namespace roost::net
