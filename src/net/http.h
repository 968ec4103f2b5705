// HTTP messages as plain values, and what a server calls to have one answered.
//
// No sockets and no Boost here. A Request lives on the I/O thread that read it, for as long as its
// handler runs; its views point into the connection's buffer.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"

namespace roost::net {

// A server hands out HEAD as `get` (method_text tells them apart) and leaves out the body that the
// handler gives.
enum class Method { get, head, post, put, del, options, patch, other };

// An address of the peer, IPv4 mapped into IPv6, so that there is one shape to compare.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};

    static std::optional<IpAddress> parse(std::string_view text);  // no port, no brackets, no zone
    std::string text() const;
    bool is_v4() const;
    // The address itself for IPv4, its /64 for IPv6: what one subscriber line owns.
    IpAddress network() const;
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// The body of a request, pulled by the handler. Nothing is read from the socket ahead of need;
// "100 Continue" goes out with the first pull. If the handler answers without reading it all, the
// server drains a little or closes.
class Body {
  public:
    virtual ~Body() = default;
    // Bytes of the content that the head announced; nothing if it is chunked.
    virtual std::optional<std::uint64_t> declared_size() const = 0;
    // The next piece as it was sent, not decompressed; empty at the end. Valid until the next call.
    // Errors: the peer is gone, too slow, or sent a malformed body (the connection then closes).
    virtual Task<Result<std::string_view>> read_some() = 0;
    // All of it, decompressed if Content-Encoding is gzip or deflate; at most max_bytes after
    // decompression, else payload_too_large. One encoding only, others: unsupported_encoding.
    virtual Task<Result<std::string>> read_all(std::size_t max_bytes) = 0;
};

struct Header {
    std::string_view name;  // as sent; compare without case
    std::string_view value;
};

class Request {
  public:
    Method method = Method::other;
    std::string_view method_text;
    std::string_view target;  // as sent
    std::string_view path;    // up to '?', not decoded
    std::string_view query;   // after '?', not decoded
    std::span<const Header> headers;
    IpAddress peer;  // of the socket
    bool is_tls = false;
    Body* body = nullptr;  // never null in a handler

    // The first header of that name, given in lower case.
    std::optional<std::string_view> header(std::string_view lower_case_name) const;
};

// What a percent-encoded text was taken from: in a query '+' is a space.
enum class UrlPart { path, query };
// Nothing if malformed.
std::optional<std::string> percent_decode(std::string_view text, UrlPart part);
std::string percent_encode(std::string_view text);
// The value of the first parameter of that name, given as it stands decoded. Nothing if there is
// none, or it is malformed.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

// Bytes of an open file.
struct FilePiece {
    int descriptor;
    std::int64_t offset;
    std::size_t size;
};

// A body that is produced while it is sent.
class BodySource {
  public:
    virtual ~BodySource() = default;
    // The next piece, empty at the end. An error cuts the connection, so the peer notices.
    virtual Task<Result<std::string_view>> next() = 0;
    // Where in a file the next bytes are, if that part of it is in memory: whoever can send them
    // from there need not ask for a copy, and says with skip() how many were sent. Never waits for
    // the disk. The file stays open until the source is asked again.
    virtual std::optional<FilePiece> in_file() { return std::nullopt; }
    virtual void skip(std::size_t) {}
};

class WebSocketFeed;

struct Response {
    int status = 200;
    std::string content_type;  // empty: no Content-Type
    std::string body;
    std::unique_ptr<BodySource> source;  // if set, streamed instead of body
    // The bytes that the source gives, exactly; chunked if it is not known. An answer to HEAD may
    // have it without a source.
    std::optional<std::uint64_t> source_size = std::nullopt;
    bool close = false;  // close the connection after this answer
    // If set, the connection becomes a WebSocket: net/websocket.h.
    std::shared_ptr<WebSocketFeed> websocket;

    // "Name: value\r\n" lines, ready to send. Values must not hold CR or LF: checked.
    void add_header(std::string_view name, std::string_view value);
    const std::string& header_lines() const { return header_lines_; }

  private:
    std::string header_lines_;
};

// Answers requests. One instance serves all I/O threads; handle() runs on the thread of the
// connection. Exceptions that leave it become a 500 and a log line.
class RequestHandler {
  public:
    virtual ~RequestHandler() = default;
    virtual Task<Response> handle(Request& request) = 0;
    // The body of an error that the server itself has to answer (malformed request, too large,
    // timeout), so that the protocol above chooses its shape.
    virtual Response error_response(int status, std::string_view name,
                                    std::string_view message) = 0;
};

}  // namespace roost::net
