// What a WebSocket client sends and gets, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace roost::net {

// A frame as a client sends it: `first` is the FIN bit and the opcode.
inline std::string client_frame(std::uint8_t first, std::string_view payload) {
    constexpr char mask[] = {0x11, 0x22, 0x33, 0x44};
    std::string frame(1, static_cast<char>(first));
    if (payload.size() < 126) {
        frame += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 65'536) {
        frame += static_cast<char>(0xfe);
        frame += static_cast<char>(payload.size() >> 8);
        frame += static_cast<char>(payload.size());
    } else {
        frame += static_cast<char>(0xff);
        for (int shift = 56; shift >= 0; shift -= 8)
            frame += static_cast<char>(payload.size() >> shift);
    }
    frame.append(mask, sizeof(mask));
    for (std::size_t i = 0; i < payload.size(); ++i)
        frame += static_cast<char>(payload[i] ^ mask[i % sizeof(mask)]);
    return frame;
}

// Takes the first frame that a server sent off the front of the bytes. False if none is whole.
struct ServerFrame {
    std::uint8_t first = 0;
    std::string payload;
};
inline bool take_server_frame(std::string& bytes, ServerFrame& frame) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    if (bytes.size() < 2) return false;
    const std::size_t more = byte(1) == 127 ? 8 : byte(1) == 126 ? 2 : 0;
    if (bytes.size() < 2 + more) return false;
    std::size_t size = more == 0 ? byte(1) : 0;
    for (std::size_t i = 0; i < more; ++i)
        size = size << 8 | byte(2 + i);
    if (bytes.size() < 2 + more + size) return false;
    frame.first = byte(0);
    frame.payload = bytes.substr(2 + more, size);
    bytes.erase(0, 2 + more + size);
    return true;
}

inline constexpr std::string_view websocket_request =
    "GET /stream HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\n"
    "Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

}  // namespace roost::net
