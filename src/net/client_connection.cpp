#include "net/client_connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstring>

#include "base/clock.h"
#include "net/ascii.h"
#include "net/chunked.h"
#include "net/input_buffer.h"
#include "net/limits.h"

namespace roost::net {

namespace {

namespace http = boost::beast::http;
using ResponseParser = http::response_parser<http::string_body>;
using boost::system::error_code;

constexpr std::size_t read_bytes = 16 * 1024;

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

// Feeds what is buffered; true when the answer is whole. Sets `error` if it is malformed.
bool feed(ResponseParser& parser, InputBuffer& buffer, error_code& error) {
    while (!parser.is_done() && !buffer.is_empty()) {
        const auto bytes = buffer.view();
        buffer.consume(parser.put(asio::const_buffer(bytes.data(), bytes.size()), error));
        if (error == http::error::need_more) {
            error = {};
            break;
        }
        if (error) return false;
    }
    return parser.is_done();
}

bool is_interim(const ResponseParser& parser) {
    const unsigned status = parser.get().result_int();
    return status >= 100 && status < 200 && status != 101;
}

ClientResponse to_response(ResponseParser& parser) {
    ClientResponse response;
    response.status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get()) {
        std::string name(view(field.name_string()));
        std::ranges::transform(name, name.begin(), to_lower);
        response.headers.emplace_back(std::move(name), view(field.value()));
    }
    response.body = std::move(parser.get().body());
    return response;
}

}  // namespace

Error not_sent(Fault fault, std::string message) {
    return {fault, "UpstreamNotReached", std::move(message)};
}

Error sent(Fault fault, std::string message) {
    const bool is_late = fault == Fault::upstream_timeout;
    return {fault, is_late ? "UpstreamTimeout" : "UpstreamFailure", std::move(message)};
}

void ClientConnection::on_due(std::int64_t) {
    if (evict_) {
        std::exchange(evict_, nullptr)(*this);  // which destroys this
        return;
    }
    is_late_ = true;
    stream_.cancel();
}

void ClientConnection::set_idle(std::int64_t until_us,
                                std::function<void(ClientConnection&)> evict) {
    evict_ = std::move(evict);
    loop_.set_due(*this, until_us);
}

Task<ClientConnection::Tried> ClientConnection::connect(IpAddress address, std::uint16_t port,
                                                        std::int64_t deadline_us) {
    sockaddr_storage to{};
    socklen_t size = 0;
    if (address.is_v4()) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(to);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&v4.sin_addr, address.bytes.data() + 12, 4);
        size = sizeof(v4);
    } else {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(to);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&v6.sin6_addr, address.bytes.data(), 16);
        size = sizeof(v6);
    }
    if (::connect(stream_.socket().native_handle(), reinterpret_cast<sockaddr*>(&to), size) == 0)
        co_return Tried::connected;
    if (errno != EINPROGRESS) co_return Tried::failed;
    loop_.set_due(*this, deadline_us);
    const IoResult result = co_await stream_.connected();
    loop_.set_due(*this, never);
    if (is_late_) co_return Tried::late;
    co_return result.status == IoStatus::done ? Tried::connected : Tried::failed;
}

Task<Result<std::unique_ptr<ClientConnection>>> ClientConnection::open(
    EventLoop& loop, const Url& url, std::vector<IpAddress> addresses, const ClientTls& tls,
    std::int64_t deadline_us) {
    if (addresses.size() > client_addresses_max) addresses.resize(client_addresses_max);
    auto tried = Tried::failed;
    auto left = static_cast<std::int64_t>(addresses.size());
    for (const IpAddress& address : addresses) {
        Socket socket(loop.io());
        error_code error;
        socket.open(address.is_v4() ? asio::ip::tcp::v4() : asio::ip::tcp::v6(), error);
        if (error) co_return not_sent(Fault::unavailable, "No socket: " + error.message() + ".");
        auto connection = std::make_unique<ClientConnection>(loop, std::move(socket));
        // An address that does not answer leaves time for the others.
        const std::int64_t now_us = monotonic_us();
        tried = co_await connection->connect(address, url.port,
                                             now_us + (deadline_us - now_us) / left--);
        if (tried != Tried::connected) continue;
        if (url.is_https) {
            Stream& stream = connection->stream_;
            stream.start_tls(
                TlsSession::connect(tls.context(), stream.socket().native_handle(), url.host));
            loop.set_due(*connection, deadline_us);
            const IoResult shaken = co_await stream.handshake();
            loop.set_due(*connection, never);
            if (connection->is_late_) {
                tried = Tried::late;
                break;
            }
            if (shaken.status != IoStatus::done)
                co_return not_sent(Fault::upstream_failed, "No secure connection to " + url.host +
                                                               ": " + stream.tls().failure() + ".");
        }
        co_return connection;
    }
    if (tried == Tried::late)
        co_return not_sent(Fault::upstream_timeout, url.host + " did not answer in time.");
    co_return not_sent(Fault::upstream_failed, "Cannot connect to " + url.host + ".");
}

Task<bool> ClientConnection::send_all(std::string_view data) {
    while (!data.empty()) {
        const IoResult result = co_await stream_.write(data);
        if (result.status != IoStatus::done) co_return false;
        data.remove_prefix(result.size);
    }
    co_return true;
}

ClientConnection::Failure ClientConnection::failure(bool was_silent, std::string message) const {
    if (is_late_)
        return {sent(Fault::upstream_timeout, "The server did not answer in time."), false};
    return {sent(Fault::upstream_failed, std::move(message)), was_silent};
}

// An answer that is on its way.
struct ClientConnection::Reading {
    // Without a limit, whoever reads takes the body away as it comes.
    Reading(bool is_answer_to_head, std::optional<std::size_t> bytes_max)
        : is_head(is_answer_to_head), limit(bytes_max) {
        start();
    }
    void start() {
        parser.emplace();
        parser->header_limit(client_head_bytes_max);
        if (limit)
            parser->body_limit(*limit);
        else
            parser->body_limit(boost::none);
        parser->skip(is_head);
        parser->eager(true);
    }

    bool is_head;
    std::optional<std::size_t> limit;
    std::optional<ResponseParser> parser;
    InputBuffer buffer;
    std::string piece;  // of the body, handed out
    bool was_written = false;
    bool was_silent = true;
};

ClientConnection::ClientConnection(EventLoop& loop, Socket socket)
    : loop_(loop), stream_(std::move(socket)) {}

ClientConnection::~ClientConnection() = default;

// True: all of it has left, as it mostly does at once.
bool ClientConnection::try_send(Outgoing& outgoing) {
    const IoResult sent = stream_.try_write(outgoing.bytes);
    if (sent.status == IoStatus::done) outgoing.bytes.remove_prefix(sent.size);
    return outgoing.bytes.empty() && (outgoing.source == nullptr || outgoing.source_size == 0U);
}

// False: not all of it has left.
Task<bool> ClientConnection::send_outgoing(Outgoing outgoing,
                                           std::optional<std::int64_t> patience_us) {
    if (!co_await send_all(outgoing.bytes)) co_return false;
    if (outgoing.source == nullptr) co_return true;
    const bool is_chunked = !outgoing.source_size;
    std::uint64_t left = outgoing.source_size.value_or(0);
    std::string chunk;
    while (is_chunked || left > 0) {
        if (patience_us) loop_.set_due(*this, never);
        const Result<std::string_view> piece = co_await outgoing.source->next();
        const bool is_end = piece.has_value() && piece->empty();
        if (!piece.has_value() || (!is_chunked && (is_end || piece->size() > left))) {
            stream_.cancel();  // the other side must not take what it has for all of it
            co_return false;
        }
        if (is_chunked) {
            chunk.clear();
            append_chunk(chunk, *piece);
        }
        if (patience_us) loop_.set_due(*this, monotonic_us() + *patience_us);
        if (!co_await send_all(is_chunked ? chunk : *piece)) co_return false;
        if (is_end) break;
        left -= is_chunked ? 0 : piece->size();
    }
    if (patience_us) loop_.set_due(*this, monotonic_us() + *patience_us);
    co_return true;
}

Task<std::optional<ClientConnection::Failure>> ClientConnection::read_more() {
    Reading& reading = *reading_;
    const auto [room, size] = reading.buffer.prepare(read_bytes);
    const IoResult got = co_await stream_.read(room, size);
    if (got.status == IoStatus::ended && reading.parser->is_header_done() &&
        reading.parser->need_eof()) {
        error_code error;
        reading.parser->put_eof(error);
        if (!error) co_return std::nullopt;
    }
    if (got.status != IoStatus::done)
        co_return failure(reading.was_silent, "The server closed the connection.");
    reading.was_silent = false;
    reading.buffer.commit(got.size);
    co_return std::nullopt;
}

// What is left is a connection that may serve again.
void ClientConnection::end_answer() {
    is_reusable_ = reading_->was_written && reading_->parser->keep_alive() &&
                   reading_->buffer.is_empty() && !reading_->parser->need_eof();
    reading_.reset();
}

Task<std::expected<ClientResponse, ClientConnection::Failure>> ClientConnection::exchange(
    Outgoing outgoing, std::size_t response_bytes_max, std::int64_t deadline_us) {
    evict_ = nullptr;
    is_reusable_ = false;
    loop_.set_due(*this, deadline_us);
    const bool was_written = try_send(outgoing) || co_await send_outgoing(outgoing, std::nullopt);
    reading_ = std::make_unique<Reading>(outgoing.is_head, response_bytes_max);
    Reading& reading = *reading_;
    reading.was_written = was_written;
    // A server may refuse, and say why, before it has read everything.
    while (true) {
        error_code error;
        if (reading.parser->is_done() || feed(*reading.parser, reading.buffer, error)) {
            if (!is_interim(*reading.parser)) break;
            reading.start();
            continue;
        }
        if (error == http::error::body_limit)
            co_return std::unexpected(failure(false, "The answer is too large."));
        if (error || reading.buffer.view().size() > 2 * client_head_bytes_max)
            co_return std::unexpected(failure(false, "The answer is malformed."));
        if (auto failed = co_await read_more()) co_return std::unexpected(*std::move(failed));
    }
    loop_.set_due(*this, never);
    ClientResponse response = to_response(*reading.parser);
    end_answer();
    co_return response;
}

Task<std::expected<ClientResponse, ClientConnection::Failure>> ClientConnection::begin(
    Outgoing outgoing, std::int64_t deadline_us, std::int64_t patience_us) {
    evict_ = nullptr;
    is_reusable_ = false;
    loop_.set_due(*this, deadline_us);
    const bool was_written =
        try_send(outgoing) ||
        co_await send_outgoing(
            outgoing, outgoing.source != nullptr ? std::optional(patience_us) : std::nullopt);
    reading_ = std::make_unique<Reading>(outgoing.is_head, std::nullopt);
    Reading& reading = *reading_;
    reading.was_written = was_written;
    while (true) {
        error_code error;
        feed(*reading.parser, reading.buffer, error);
        if (error || reading.buffer.view().size() > 2 * client_head_bytes_max)
            co_return std::unexpected(failure(false, "The answer is malformed."));
        if (reading.parser->is_done() && is_interim(*reading.parser)) {
            reading.start();
            continue;
        }
        if (reading.parser->is_header_done()) break;
        if (auto failed = co_await read_more()) co_return std::unexpected(*std::move(failed));
    }
    loop_.set_due(*this, never);
    ClientResponse response = to_response(*reading.parser);
    reading.parser->get().body().clear();
    if (reading.parser->is_done()) end_answer();
    co_return response;
}

Task<std::expected<std::string_view, ClientConnection::Failure>> ClientConnection::next_piece(
    std::int64_t deadline_us) {
    Reading& reading = *reading_;
    std::string& body = reading.parser->get().body();
    loop_.set_due(*this, deadline_us);
    while (body.empty() && !reading.parser->is_done()) {
        error_code error;
        feed(*reading.parser, reading.buffer, error);
        if (error) co_return std::unexpected(failure(false, "The answer is malformed."));
        if (!body.empty() || reading.parser->is_done()) break;
        if (auto failed = co_await read_more()) co_return std::unexpected(*std::move(failed));
    }
    loop_.set_due(*this, never);
    if (body.empty()) {
        end_answer();
        co_return std::string_view();
    }
    reading.piece.swap(body);
    body.clear();
    co_return std::string_view(reading.piece);
}

}  // namespace roost::net
