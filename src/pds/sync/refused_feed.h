// The feed of a stream that is refused: one error frame, and goodbye.
// https://atproto.com/specs/event-stream#connection
#pragma once

#include <memory>

#include "base/result.h"
#include "net/websocket.h"

namespace roost::pds {

std::shared_ptr<net::WebSocketFeed> refused_feed(const Error& error);

}  // namespace roost::pds
