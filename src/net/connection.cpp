#include "net/connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>

#include "base/clock.h"
#include "base/log.h"
#include "net/chunked.h"
#include "net/turn.h"
#include "net/websocket_connection.h"
#include "net/websocket_handshake.h"

namespace roost::net {

namespace {

IpAddress address_of(const Socket& socket) {
    boost::system::error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    IpAddress address;
    if (error) return address;
    address.bytes =
        endpoint.address().is_v6()
            ? endpoint.address().to_v6().to_bytes()
            : asio::ip::make_address_v6(asio::ip::v4_mapped, endpoint.address().to_v4()).to_bytes();
    return address;
}

std::string_view reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Range Not Satisfiable";
        case 417:
            return "Expectation Failed";
        case 426:
            return "Upgrade Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 507:
            return "Insufficient Storage";
        default:
            return "Status";
    }
}

void append_number(std::string& to, std::uint64_t number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof(digits), number);
    to.append(digits, end.ptr);
}

bool has_no_body(int status) {
    return status == 204 || status == 304;
}

bool is_chunked(const Response& response) {
    return response.source && !response.source_size;
}

}  // namespace

Connection::Connection(ServerLoop& server, Socket socket, const TlsContext* tls)
    : server_(server),
      stream_(std::move(socket)),
      parser_(server.limits),
      body_(server.loop, server.limits, stream_, input_, *this) {
    request_.peer = address_of(stream_.socket());
    request_.body = &body_;
    if (tls != nullptr)
        stream_.start_tls(TlsSession::accept(*tls, stream_.socket().native_handle()));
    request_.is_tls = stream_.is_tls();
    server_.connections.insert(this);
    server_.connections_open.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
    server_.connections.erase(this);
    server_.connections_open.fetch_sub(1, std::memory_order_relaxed);
}

void Connection::end_if_idle() {
    if (websocket_ != nullptr)
        websocket_->close(CloseCode::going_away, "the server is stopping");
    else if (is_idle_)
        stream_.interrupt();
}

void Connection::abort() {
    if (websocket_ != nullptr) websocket_->abort();
    stream_.cancel();
}

void Connection::on_due(std::int64_t) {
    is_late_ = true;
    stream_.interrupt();
}

void Connection::set_due_in_ms(std::int64_t delay_ms) {
    server_.loop.set_due(*this, monotonic_us() + delay_ms * 1'000);
}

Task<void> Connection::run(std::unique_ptr<Connection> connection) {
    co_await connection->serve();
}

Task<void> Connection::serve() {
    if (stream_.is_tls()) {
        set_due_in_ms(server_.limits.header_ms);
        const IoResult shaken = co_await stream_.handshake();
        if (shaken.status != IoStatus::done) co_return;
    }
    Next next = Next::request;
    while (next == Next::request)
        next = co_await serve_request();
    if (next == Next::linger) co_await linger();
}

// Reads a head and has it answered.
Task<Connection::Next> Connection::serve_request() {
    parser_.reset();
    is_late_ = false;
    is_idle_ = input_.is_empty();
    if (is_idle_ && server_.is_stopping) co_return Next::close;
    HeadParser::State state = HeadParser::State::need_more;
    if (is_idle_)
        become_idle();
    else
        state = parser_.parse(input_.view());
    bool is_timed = false;
    while (state == HeadParser::State::need_more) {
        if (!is_idle_ && !is_timed) {
            set_due_in_ms(server_.limits.header_ms);
            is_timed = true;
        }
        const auto [room, size] = input_.prepare(server_.limits.buffer_bytes_idle);
        const IoResult got = co_await stream_.read(room, size);
        if (got.status != IoStatus::done) {
            if (is_late_ && !is_idle_)
                co_return co_await refuse(408, "RequestTimeout", "The request came too slowly.");
            co_return Next::close;
        }
        input_.commit(got.size);
        is_idle_ = false;
        state = parser_.parse(input_.view());
    }
    server_.loop.set_due(*this, never);
    if (state == HeadParser::State::refused) {
        const Refusal& refusal = parser_.refusal();
        co_return co_await refuse(refusal.status, refusal.name, refusal.message);
    }
    input_.consume(parser_.head().size);
    co_return co_await answer();
}

void Connection::become_idle() {
    if (input_.capacity() > server_.limits.buffer_bytes_idle) input_.release();
    if (output_.capacity() > server_.limits.buffer_bytes_idle) output_ = std::string();
    parser_.shrink();
    set_due_in_ms(server_.limits.idle_ms);
}

void Connection::prepare_request() {
    const RequestHead& head = parser_.head();
    request_.method = head.method;
    request_.method_text = head.method_text;
    request_.target = head.target;
    request_.path = head.path;
    request_.query = head.query;
    request_.headers = head.headers;
    body_.start(head);
}

Task<Connection::Next> Connection::answer() {
    server_.requests_total.fetch_add(1, std::memory_order_relaxed);
    prepare_request();
    Response response;
    try {
        response = co_await server_.handler.handle(request_);
    } catch (const std::exception& exception) {
        response = failure(exception.what());
    } catch (...) {
        response = failure("");
    }
    if (response.websocket) co_return co_await become_websocket(std::move(response));
    const bool keeps_alive = parser_.head().keeps_alive && !response.close &&
                             !server_.is_stopping && body_.can_drain() &&
                             !(is_chunked(response) && parser_.head().is_http_1_0);
    if (!co_await send(response, keeps_alive)) co_return Next::close;
    if (!keeps_alive) co_return Next::linger;
    if (!body_.is_complete() && !co_await body_.drain()) co_return Next::linger;
    body_.end();
    co_return Next::request;
}

Response Connection::failure(std::string_view reason) {
    log::error("a request failed", {{"path", request_.path}, {"reason", reason}});
    return server_.handler.error_response(500, "InternalServerError", "Internal Server Error");
}

Task<Connection::Next> Connection::refuse(int status, std::string_view name,
                                          std::string_view message) {
    Response response = server_.handler.error_response(status, name, message);
    parser_.reset();  // its bytes are not to be trusted
    if (!co_await send(response, false)) co_return Next::close;
    co_return Next::linger;
}

void Connection::write_head(const Response& response, bool keeps_alive) {
    const RequestHead& head = parser_.head();
    output_.assign("HTTP/1.1 ");
    append_number(output_, static_cast<std::uint64_t>(response.status));
    output_.append(" ").append(reason_of(response.status)).append("\r\nDate: ");
    output_.append(server_.loop.http_date()).append("\r\n");
    if (!keeps_alive)
        output_.append("Connection: close\r\n");
    else if (head.is_http_1_0)
        output_.append("Connection: keep-alive\r\n");
    if (!response.content_type.empty())
        output_.append("Content-Type: ").append(response.content_type).append("\r\n");
    if (is_chunked(response)) {
        if (!head.is_http_1_0) output_.append("Transfer-Encoding: chunked\r\n");
    } else if (!has_no_body(response.status)) {
        output_.append("Content-Length: ");
        append_number(output_, response.source_size.value_or(response.body.size()));
        output_.append("\r\n");
    }
    output_.append(response.header_lines()).append("\r\n");
}

Task<bool> Connection::send(Response& response, bool keeps_alive) {
    write_head(response, keeps_alive);
    const bool has_body = !parser_.head().is_head && !has_no_body(response.status);
    std::string_view rest_of_body;
    if (has_body && !response.source) {
        if (response.body.size() <= server_.limits.copied_body_bytes_max)
            output_.append(response.body);
        else
            rest_of_body = response.body;
    }
    if (rest_of_body.empty()) {
        const IoResult sent = stream_.try_write(output_);
        const std::size_t sent_size = sent.status == IoStatus::done ? sent.size : 0;
        if (sent_size < output_.size() &&
            !co_await send_all(std::string_view(output_).substr(sent_size)))
            co_return false;
    } else {
        const std::array<std::string_view, 2> parts = {output_, rest_of_body};
        if (!co_await send_parts(parts)) co_return false;
    }
    if (has_body && response.source) {
        if (response.source_size)
            co_return co_await stream_sized(*response.source, *response.source_size);
        co_return co_await stream_chunked(*response.source, !parser_.head().is_http_1_0);
    }
    co_return true;
}

Task<bool> Connection::send_all(std::string_view data) {
    is_late_ = false;
    while (!data.empty()) {
        set_due_in_ms(server_.limits.write_stall_ms);
        const IoResult sent = co_await stream_.write(data);
        if (sent.status != IoStatus::done) {
            abort();
            co_return false;
        }
        data.remove_prefix(sent.size);
    }
    server_.loop.set_due(*this, never);
    co_return true;
}

// In one call as far as the system takes them, unless they have to be encrypted.
Task<bool> Connection::send_parts(std::span<const std::string_view> parts) {
    std::size_t sent_size = 0;
    if (!stream_.is_tls()) {
        const IoResult sent = stream_.try_write_many(parts);
        if (sent.status == IoStatus::done) sent_size = sent.size;
    }
    for (const std::string_view part : parts) {
        const std::size_t skipped = std::min(part.size(), sent_size);
        sent_size -= skipped;
        if (skipped < part.size() && !co_await send_all(part.substr(skipped))) co_return false;
    }
    co_return true;
}

// Nothing if the answer has to break off.
Task<std::optional<std::string_view>> Connection::next_piece(BodySource& source) {
    try {
        const Result<std::string_view> piece = co_await source.next();
        if (piece.has_value()) co_return *piece;
    } catch (const std::exception& exception) {
        log::error("an answer broke off", {{"path", request_.path}, {"reason", exception.what()}});
    }
    abort();
    co_return std::nullopt;
}

Task<bool> Connection::stream_sized(BodySource& source, std::uint64_t size) {
    Turn turn;
    while (size > 0) {
        std::optional<FilePiece> in_file;
        if (!stream_.is_tls()) in_file = source.in_file();
        if (in_file) {
            in_file->size = std::min<std::uint64_t>(in_file->size, size);
            const std::optional<std::size_t> sent = co_await send_from_file(*in_file);
            if (!sent) co_return false;
            source.skip(*sent);
            size -= *sent;
            if (turn.is_over_after(*sent)) co_await next_turn();
            continue;
        }
        const std::optional<std::string_view> piece = co_await next_piece(source);
        if (!piece) co_return false;
        if (piece->empty() || piece->size() > size) {
            log::error("an answer has another length than was told", {{"path", request_.path}});
            abort();
            co_return false;
        }
        if (!co_await send_all(*piece)) co_return false;
        size -= piece->size();
        if (turn.is_over_after(piece->size())) co_await next_turn();
    }
    co_return true;
}

// What the system takes of it at once, which is nothing if that had to be waited for: meanwhile it
// may have left the memory. Nothing at all if the answer has to break off.
Task<std::optional<std::size_t>> Connection::send_from_file(const FilePiece& piece) {
    IoResult sent = stream_.try_write_file(piece);
    if (sent.status == IoStatus::want_write) {
        is_late_ = false;
        set_due_in_ms(server_.limits.write_stall_ms);
        sent = co_await stream_.ready(IoStatus::want_write);
        server_.loop.set_due(*this, never);
    }
    if (sent.status == IoStatus::done) co_return sent.size;
    if (sent.status == IoStatus::ended)
        log::error("an answer has another length than was told", {{"path", request_.path}});
    abort();
    co_return std::nullopt;
}

Task<bool> Connection::stream_chunked(BodySource& source, bool is_framed) {
    Turn turn;
    while (true) {
        const std::optional<std::string_view> piece = co_await next_piece(source);
        if (!piece) co_return false;
        const bool is_last = piece->empty();
        if (!co_await (is_framed ? send_chunk(*piece) : send_all(*piece))) co_return false;
        if (is_last) co_return true;
        if (turn.is_over_after(piece->size())) co_await next_turn();
    }
}

// A large piece goes to the system from where it is, unless it has to be encrypted.
Task<bool> Connection::send_chunk(std::string_view piece) {
    output_.clear();
    if (stream_.is_tls() || piece.size() <= server_.limits.copied_body_bytes_max) {
        append_chunk(output_, piece);
        co_return co_await send_all(output_);
    }
    append_chunk_start(output_, piece.size());
    const std::array<std::string_view, 3> parts = {output_, piece, chunk_end};
    co_return co_await send_parts(parts);
}

// https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
Task<Connection::Next> Connection::become_websocket(Response response) {
    output_.assign("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
    output_.append("Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    output_.append(accept_key(request_.header("sec-websocket-key").value_or("")));
    output_.append("\r\n").append(response.header_lines()).append("\r\n");
    if (!co_await send_all(output_)) co_return Next::close;
    output_ = std::string();
    parser_.shrink();
    WebSocketConnection websocket(server_.loop, server_.limits, stream_, input_,
                                  *response.websocket);
    websocket_ = &websocket;
    if (server_.is_stopping) end_if_idle();
    co_await websocket.run();
    websocket_ = nullptr;
    co_return Next::linger;
}

// After our last word: lets the peer read it before the socket closes. Closing at once would reset
// the connection if bytes of the peer are still unread, and so could take the answer away from it.
Task<void> Connection::linger() {
    constexpr std::size_t room_bytes = 8 * 1024;
    const ServerLimits& limits = server_.limits;
    is_idle_ = true;
    is_late_ = false;
    stream_.shutdown_send();
    input_.release();
    const std::int64_t patience_ms =
        server_.is_stopping ? limits.linger_silence_ms : limits.linger_ms;
    const std::int64_t end_us = monotonic_us() + patience_ms * 1'000;
    std::size_t discarded = 0;
    while (!is_late_ && discarded < limits.linger_bytes_max) {
        const std::int64_t silence_ends_us = monotonic_us() + limits.linger_silence_ms * 1'000;
        server_.loop.set_due(*this, std::min(silence_ends_us, end_us));
        const auto [room, size] = input_.prepare(room_bytes);
        const IoResult got = co_await stream_.read(room, size);
        if (got.status != IoStatus::done) break;
        discarded += got.size;
    }
}

}  // namespace roost::net
