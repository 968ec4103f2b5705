// A connection after its upgrade: a reader that checks what the peer sends, and a writer that
// empties the feed into the socket. Part of the room's inside.
//
// Both are coroutines on the loop's thread. The reader is the task of the connection itself; the
// writer ends before run() returns.
#pragma once

#include <coroutine>
#include <string>
#include <vector>

#include "net/event_loop.h"
#include "net/input_buffer.h"
#include "net/limits.h"
#include "net/stream.h"
#include "net/websocket.h"
#include "net/websocket_parser.h"

namespace roost::net {

class WebSocketConnection final : public WebSocket, private WheelEntry {
  public:
    WebSocketConnection(EventLoop& loop, const ServerLimits& limits, Stream& stream,
                        InputBuffer& input, WebSocketFeed& feed);

    // From the upgrade to the end of the socket.
    Task<void> run();

    void wake() override;
    void close(CloseCode code, std::string_view reason, SharedFrame last = nullptr) override;
    std::int64_t stalled_since_us() const override { return stalled_since_us_; }
    // Ends it now, without a goodbye.
    void abort();

  private:
    struct Wait;   // of the writer, for something to send
    struct Ended;  // of the reader, for the end of the writer

    Task<void> read();
    bool take_input();  // false: there is nothing more to read
    bool take(WebSocketParser::Event event);
    void refuse(CloseCode code, std::string_view reason);
    bool is_flooding(std::size_t bytes);
    void reply_to_close();

    Task<void> write_to_end();
    Task<void> write();
    Task<void> fetch();
    IoResult send_some();
    IoResult send_plain();
    IoResult send_tls();
    void advance(std::size_t size);
    void insert(std::uint8_t first, ByteView payload);
    void insert_due();
    bool has_output() const;
    void resume_writer();

    void on_due(std::int64_t now_us) override;
    void schedule();

    EventLoop& loop_;
    const ServerLimits& limits_;
    Stream& stream_;
    InputBuffer& input_;
    WebSocketFeed& feed_;
    WebSocketParser parser_;

    std::vector<SharedFrame> queue_;  // sent up to front_, and of that one offset_ bytes
    std::size_t front_ = 0;
    std::size_t offset_ = 0;
    std::vector<SharedFrame> fetched_;
    std::string tls_output_;  // taken from the queue, for one or a few records
    std::size_t tls_offset_ = 0;
    Bytes pong_;  // the payload that the newest ping wants back
    bool owes_pong_ = false;
    bool owes_ping_ = false;

    bool is_woken_ = false;
    bool is_closing_ = false;  // our Close is queued, nothing may follow it
    bool is_deaf_ = false;     // the peer talks nonsense: what it sends is not looked at
    bool is_over_ = false;     // nothing is sent or read any more
    bool is_writer_done_ = false;
    std::coroutine_handle<> writer_;  // while it waits for something to send
    std::coroutine_handle<> reader_;  // while it waits for the writer's end

    std::int64_t heard_at_us_ = 0;
    std::int64_t pinged_at_us_ = 0;
    std::int64_t stalled_since_us_ = 0;
    std::int64_t closed_at_us_ = 0;  // our Close is sent
    std::int64_t rate_since_us_ = 0;
    std::size_t rate_frames_ = 0;
    std::size_t rate_bytes_ = 0;
    std::size_t discarded_ = 0;
};

}  // namespace roost::net
