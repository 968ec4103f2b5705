// One connection of the server, from accept to close. Part of the room's inside.
//
// A coroutine on the loop's thread owns it: it reads a head, runs the handler, writes the answer,
// and so on until the peer leaves, errs, or is too slow. So requests on one connection are answered
// in their order, one at a time, and at most one buffer of pipelined requests is read ahead.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <unordered_set>

#include "net/body.h"
#include "net/http_parser.h"
#include "net/input_buffer.h"
#include "net/stream.h"

namespace roost::net {

class Connection;
class WebSocketConnection;

// What the connections of one loop have in common. Counters may be read by any thread.
struct ServerLoop {
    ServerLoop(RequestHandler& the_handler, const ServerLimits& the_limits)
        : handler(the_handler), limits(the_limits) {}

    EventLoop loop;
    RequestHandler& handler;
    const ServerLimits& limits;
    std::unordered_set<Connection*> connections;
    bool is_stopping = false;  // every answer is the last one of its connection
    std::atomic<std::int64_t> connections_open = 0;
    std::atomic<std::int64_t> requests_total = 0;
};

class Connection final : private WheelEntry {
  public:
    Connection(ServerLoop& server, Socket socket, const TlsContext* tls);
    ~Connection() override;

    // Serves until the connection ends; the task owns it.
    static Task<void> run(std::unique_ptr<Connection> connection);

    // Ends it unless a request is in hand, or has just been read. A WebSocket says goodbye first.
    void end_if_idle();
    // Ends it now; a handler that runs is not interrupted, but finds its peer gone.
    void abort();

  private:
    enum class Next { request, linger, close };

    Task<void> serve();
    Task<Next> serve_request();
    Task<Next> answer();
    // What is answered when the handler throws.
    Response failure(std::string_view reason);
    Task<Next> refuse(int status, std::string_view name, std::string_view message);
    // False if the peer is gone.
    Task<bool> send(Response& response, bool keeps_alive);
    Task<Next> become_websocket(Response response);
    Task<std::optional<std::string_view>> next_piece(BodySource& source);
    Task<std::optional<std::size_t>> send_from_file(const FilePiece& piece);
    Task<bool> stream_sized(BodySource& source, std::uint64_t size);
    Task<bool> stream_chunked(BodySource& source, bool is_framed);
    Task<bool> send_all(std::string_view data);
    Task<bool> send_parts(std::span<const std::string_view> parts);
    Task<bool> send_chunk(std::string_view piece);
    Task<void> linger();
    void write_head(const Response& response, bool keeps_alive);
    void prepare_request();
    void become_idle();
    void set_due_in_ms(std::int64_t delay_ms);
    void on_due(std::int64_t now_us) override;

    ServerLoop& server_;
    Stream stream_;
    HeadParser parser_;
    InputBuffer input_;
    std::string output_;
    Request request_;
    RequestBody body_;
    WebSocketConnection* websocket_ = nullptr;  // once it has become one
    bool is_idle_ = true;
    bool is_late_ = false;  // a time limit ran out
};

}  // namespace roost::net
