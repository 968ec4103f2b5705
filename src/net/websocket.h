// WebSockets, the server's side: how a handler turns a request into one, and what feeds it.
//
// A handler that wants a WebSocket asks check_upgrade() about the request, and answers with a
// Response that has a feed. The connection then sends 101 and asks the feed for frames whenever the
// socket can take some. Frames are built once and shared by all sockets that send them; many leave
// in one system call, and none is copied. Messages of the peer are checked and thrown away: what
// roost streams has one direction. No extension is offered, so nothing is compressed.
//
// Everything about one socket happens on the thread of its event loop. The limits are in
// net/limits.h: peers that are silent, stalled or too talkative lose their connection.
// https://www.rfc-editor.org/rfc/rfc6455
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http.h"

namespace roost::net {

// A whole frame as it goes over the wire.
using SharedFrame = std::shared_ptr<const Bytes>;

// https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
enum class CloseCode : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    invalid_data = 1007,
    policy = 1008,
    too_big = 1009,
    internal_error = 1011,
};

// The head of a binary frame whose payload follows.
void append_binary_head(Bytes& to, std::size_t payload_size);
SharedFrame binary_frame(ByteView payload);

// May this request become a WebSocket? Errors: "UpgradeRequired" if it does not ask for one or for
// another version than 13, InvalidRequest if it asks in a wrong way.
Result<void> check_upgrade(const Request& request);

// The socket as its feed sees it.
class WebSocket {
  public:
    // The feed has frames again.
    virtual void wake() = 0;
    // Finishes the frame that is half sent, sends `last` if there is one, and says goodbye. Frames
    // that have not begun are dropped. Only the first call counts.
    virtual void close(CloseCode code, std::string_view reason, SharedFrame last = nullptr) = 0;
    // Since when the peer has taken none of the bytes that wait for it, in monotonic_us(); 0 if
    // none wait.
    virtual std::int64_t stalled_since_us() const = 0;

  protected:
    ~WebSocket() = default;
};

// Where the frames of one socket come from. The connection holds it until the socket has ended.
class WebSocketFeed {
  public:
    virtual ~WebSocketFeed() = default;
    // Before the first next(). The socket stays until ended().
    virtual void open(WebSocket& socket) = 0;
    // Appends the frames that come next, about bytes_max of them. None: asked again after wake().
    // An exception closes the socket with internal_error.
    virtual Task<void> next(std::vector<SharedFrame>& frames, std::size_t bytes_max) = 0;
    // The socket has ended; next() is neither running nor called again.
    virtual void ended() = 0;
};

}  // namespace roost::net
