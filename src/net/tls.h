// TLS 1.2 and 1.3 by OpenSSL: contexts for the server and the client, and one session on a socket.
//
// A session works on a non-blocking socket and never waits: it says what it waits for. Part of the
// room's inside.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_server.h"

struct ssl_ctx_st;
struct ssl_st;

namespace roost::net {

enum class IoStatus {
    done,
    want_read,   // nothing to do before the socket is readable
    want_write,  // … writable
    ended,       // the peer closed its side in order
    failed,      // broken, cut off, or cancelled
};

struct IoResult {
    IoStatus status = IoStatus::failed;
    std::size_t size = 0;
};

// Shared by all sessions; any thread.
class TlsContext {
  public:
    // Errors name the file and what is wrong with it.
    static Result<TlsContext> for_server(const TlsFiles& files);
    // Trusts the system's certificate authorities, and those of extra_authorities_file if given.
    static Result<TlsContext> for_client(const std::string& extra_authorities_file);
    ssl_ctx_st* get() const { return context_.get(); }

  private:
    explicit TlsContext(ssl_ctx_st* context);
    std::shared_ptr<ssl_ctx_st> context_;
};

// The context of all outbound connections, made when the first of them needs it: reading the
// system's authorities takes 50 ms. Any thread.
class ClientTls {
  public:
    explicit ClientTls(std::string extra_authorities_file)
        : extra_authorities_file_(std::move(extra_authorities_file)) {}
    const TlsContext& context() const;

  private:
    const std::string extra_authorities_file_;
    mutable std::once_flag once_;
    mutable std::optional<TlsContext> context_;
};

class TlsSession {
  public:
    // The socket must outlive the session.
    static TlsSession accept(const TlsContext& context, int socket);
    // Verifies that the certificate is for that host.
    static TlsSession connect(const TlsContext& context, int socket, const std::string& host);

    IoResult handshake();
    IoResult read(char* data, std::size_t size);
    IoResult write(const char* data, std::size_t size);
    // Tells the peer that nothing follows, if the socket takes it at once.
    void shutdown();
    // Why the handshake failed, for a log line or an operator.
    std::string failure() const;

  private:
    struct Free {
        void operator()(ssl_st* session) const;
    };
    TlsSession(const TlsContext& context, int socket);
    IoResult outcome(int returned, std::size_t size);

    std::unique_ptr<ssl_st, Free> session_;
    std::string failure_;
    bool is_broken_ = false;
};

}  // namespace roost::net
