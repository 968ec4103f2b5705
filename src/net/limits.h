// Every bound of the room, each with its reason. Tests pass smaller ones to listen_with_limits().
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::net {

struct ServerLimits {
    // A request line: a long getRecord or an OAuth redirect needs 2 to 4 kB. Beyond: 414.
    std::size_t request_line_bytes_max = 8 * 1024;
    // All header lines together; a DPoP proof and a token are 4 kB. Beyond either: 431.
    std::size_t headers_bytes_max = 32 * 1024;
    std::size_t headers_count_max = 100;
    // The first buffer of a connection, and all that an idle one keeps: a request with a bearer
    // token fits; with a DPoP proof it takes a second read.
    std::size_t buffer_bytes_idle = 2 * 1024;
    // What one read of a body may take from the kernel.
    std::size_t body_buffer_bytes = 16 * 1024;
    // The same of a body that has brought as much already, as large uploads do.
    std::size_t large_body_buffer_bytes = 128 * 1024;
    // Bodies up to this size are copied behind their head, so that both leave in one send.
    std::size_t copied_body_bytes_max = 16 * 1024;
    // A body that the handler did not want: below this, reading it is cheaper than a new
    // connection.
    std::size_t drain_bytes_max = 64 * 1024;

    // From the first byte of a head to its end; also for the TLS handshake.
    std::int64_t header_ms = 10'000;
    // Without one byte of the body, and with bytes that come too slowly on average.
    std::int64_t body_stall_ms = 60'000;
    std::int64_t body_bytes_per_s_min = 1'000;
    std::int64_t body_rate_grace_ms = 10'000;  // before the average counts
    // Without the peer taking one byte of the answer.
    std::int64_t write_stall_ms = 30'000;
    std::int64_t idle_ms = 90'000;
    // After our last word the rest of a body that the peer has begun is thrown away: closing at
    // once would take the answer from a peer that reads it only after the last byte is sent.
    std::size_t linger_bytes_max = 64 * 1024 * 1024;
    std::int64_t linger_ms = 10'000;
    std::int64_t linger_silence_ms = 1'000;

    // WebSockets. Clients have nothing to say, but may; in so many pieces.
    std::size_t websocket_message_bytes_max = 64 * 1024;
    std::size_t websocket_fragments_max = 128;
    // What a client may send in websocket_rate_ms, for whatever reason: pings of a nervous one.
    std::int64_t websocket_rate_ms = 10'000;
    std::size_t websocket_rate_frames_max = 500;
    std::size_t websocket_rate_bytes_max = 1024 * 1024;
    // A peer that says nothing is asked whether it is there, and let go if it does not answer.
    std::int64_t websocket_ping_ms = 30'000;
    std::int64_t websocket_silence_ms = 90'000;
    // Our goodbye is said: how long the peer may take to say its own.
    std::int64_t websocket_close_ms = 1'000;

    // Of one server, over all threads; each costs a file and up to 10 KiB while idle.
    std::int64_t connections_max = 16'384;
    // Files kept free for the database, blobs and outgoing connections, of which there may be as
    // many as requests that wait for other servers.
    std::int64_t files_reserved = 3'072;
};

// Trailers of a chunked body, which nobody reads; and the extensions of one chunk.
inline constexpr std::size_t trailer_bytes_max = 8 * 1024;
inline constexpr std::size_t chunk_extension_bytes_max = 256;

// The answer of another server: its head, and how many addresses of a host are tried.
inline constexpr std::size_t client_head_bytes_max = 32 * 1024;
inline constexpr std::size_t client_addresses_max = 4;
// Idle connections to other servers: as long as most servers keep them, and few per thread.
inline constexpr std::int64_t client_idle_ms = 15'000;
inline constexpr std::size_t client_idle_per_host_max = 64;
inline constexpr std::size_t client_idle_max = 128;
// Requests on their way, per thread: beyond, callers are refused rather than queued. More than
// those that are forwarded (xrpc/limits.h), so that these leave room for others.
inline constexpr std::size_t client_in_flight_max = 2'560;
inline constexpr std::size_t url_bytes_max = 8 * 1024;
// One question to a name server, and how often it is asked.
inline constexpr int dns_try_ms = 1'500;
inline constexpr int dns_tries = 3;

}  // namespace roost::net
