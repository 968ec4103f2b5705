// A connected socket, plain or TLS, with operations to co_await. Part of the room's inside.
//
// One loop's thread; at most one operation at a time, besides a ready() beside a read(). The stream
// must outlive the operation, and the coroutine that awaits it must not be destroyed meanwhile:
// cancel() and let it end.
#pragma once

#include <coroutine>
#include <optional>
#include <span>

#include "net/event_loop.h"
#include "net/http.h"
#include "net/tls.h"

namespace roost::net {

class Stream {
  public:
    explicit Stream(Socket socket);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    void start_tls(TlsSession session) { tls_.emplace(std::move(session)); }
    bool is_tls() const { return tls_.has_value(); }
    const TlsSession& tls() const { return *tls_; }
    Socket& socket() { return socket_; }

    class [[nodiscard]] Operation {
      public:
        bool await_ready();
        void await_suspend(std::coroutine_handle<> waiting);
        IoResult await_resume() const { return result_; }

      private:
        friend class Stream;
        enum class Kind { handshake, read, write, connect, ready };
        Operation(Stream& stream, Kind kind, char* to, const char* from, std::size_t size)
            : stream_(stream), kind_(kind), to_(to), from_(from), size_(size) {}
        bool attempt();
        void wait();
        void finish(IoResult result);

        Stream& stream_;
        Kind kind_;
        char* to_;
        const char* from_;
        std::size_t size_;
        IoResult result_;
        std::coroutine_handle<> waiting_;
    };

    Operation handshake() { return {*this, Operation::Kind::handshake, nullptr, nullptr, 0}; }
    // At least one byte, or `ended`.
    Operation read(char* data, std::size_t size) {
        return {*this, Operation::Kind::read, data, nullptr, size};
    }
    // At least one byte.
    Operation write(std::string_view data) {
        return {*this, Operation::Kind::write, nullptr, data.data(), data.size()};
    }
    // After a connect() that is on its way.
    Operation connected() { return {*this, Operation::Kind::connect, nullptr, nullptr, 0}; }

    // Until the socket is as a try_write() wanted it.
    Operation ready(IoStatus wanted) {
        Operation operation{*this, Operation::Kind::ready, nullptr, nullptr, 0};
        operation.result_.status = wanted;
        return operation;
    }

    // Without waiting; `done` with what the socket took, want_write if nothing.
    IoResult try_write(std::string_view data);
    // The same with several pieces, as many as the system takes at once. Not for TLS.
    IoResult try_write_many(std::span<const std::string_view> pieces);
    // The same with what a file holds; `ended` if it ends before. Not for TLS. A peer that is gone
    // raises SIGPIPE, which the program has to ignore: sendfile(2) knows no MSG_NOSIGNAL.
    IoResult try_write_file(const FilePiece& piece);
    // True if nothing has arrived and the peer has not closed.
    bool is_quiet();
    // The operation in hand fails, if it is still waiting.
    void interrupt();
    // That and all later ones fail.
    void cancel();
    bool is_cancelled() const { return is_cancelled_; }
    // No more is sent; the peer sees the end.
    void shutdown_send();

  private:
    Socket socket_;
    std::optional<TlsSession> tls_;
    bool is_cancelled_ = false;
};

}  // namespace roost::net
