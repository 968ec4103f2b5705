// The HTTP/1.1 server: one event loop per core, each with its own listening socket.
//
// Keep-alive, pipelining, chunked bodies, Expect: 100-continue, TLS if a certificate is given. The
// limits of net/limits.h hold for every connection. Plain requests cost about 7 µs of CPU.
// https://www.rfc-editor.org/rfc/rfc9112
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "net/http.h"

namespace roost::net {

struct TlsFiles {
    std::string certificate_chain;  // the path of a PEM file
    std::string private_key;        // the same
};

struct ServerOptions {
    std::vector<std::string> addresses = {"127.0.0.1"};  // numeric; each is listened on
    std::uint16_t port = 0;                              // 0: any free one
    int threads = 0;                                     // 0: one per core
    std::optional<TlsFiles> tls = std::nullopt;
    bool is_internal = false;  // small helper listeners (metrics, embedded PLC): one thread
};

struct ServerStats {
    std::int64_t connections_open = 0;
    std::int64_t requests_total = 0;
};

class HttpServer {
  public:
    // Binds and listens; nothing is served before start(). The handler must outlive the server.
    // Errors name the address and the reason ("port 2583 is in use").
    static Result<std::unique_ptr<HttpServer>> listen(ServerOptions options,
                                                      RequestHandler& handler);
    virtual ~HttpServer() = default;

    virtual std::uint16_t port() const = 0;
    // The event loops, for parts that keep something per I/O thread. Stable from listen() on.
    virtual std::vector<Executor*> executors() = 0;
    virtual void start() = 0;
    // Stops accepting, lets requests in hand finish, closes idle connections at once and the rest
    // after the deadline; returns when all threads have ended.
    virtual void stop(int deadline_ms) = 0;
    virtual ServerStats stats() const = 0;
};

}  // namespace roost::net
