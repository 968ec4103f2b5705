// The parts of WebSockets that the connection needs and others do not. Part of the room's inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace roost::net {

// `first` is the FIN bit and the opcode.
void append_frame_head(Bytes& to, std::uint8_t first, std::size_t payload_size);

// What proves to the client that its Sec-WebSocket-Key was understood.
std::string accept_key(std::string_view key);

}  // namespace roost::net
