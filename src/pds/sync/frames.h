// Messages of the event stream as WebSocket frames, complete with their WebSocket head.
//
// A frame's payload is two DAG-CBOR objects: a header that says what it is, and the message. Pure.
// https://atproto.com/specs/event-stream#framing
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/websocket.h"

namespace roost::pds {

// The message of an event: its stored body with seq and time put in where DAG-CBOR wants them.
// Nothing is decoded. The body is one of ours: that it is malformed is a bug, checked.
net::SharedFrame event_frame(std::string_view kind, std::int64_t seq, Timestamp time,
                             ByteView body);
net::SharedFrame info_frame(std::string_view name, std::string_view message);
// The last frame of a stream.
net::SharedFrame error_frame(std::string_view name, std::string_view message);

// What event_frame() adds to a body at most.
inline constexpr std::size_t frame_overhead_max = 128;

}  // namespace roost::pds
