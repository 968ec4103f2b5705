// For the tests of this room: a server with one odd handler, and a client that sends raw bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <coroutine>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/server_internal.h"

namespace roost::net {

inline int status_of(Fault fault) {
    switch (fault) {
        case Fault::payload_too_large:
            return 413;
        case Fault::unsupported_encoding:
            return 415;
        default:
            return 400;
    }
}

class CountedSource final : public BodySource {
  public:
    CountedSource(int pieces, bool fails) : left_(pieces), fails_(fails) {}
    Task<Result<std::string_view>> next() override {
        co_await sleep_ms(1);
        if (left_ == 0 && fails_) co_return Error::invalid("broken");
        if (left_ == 0) co_return std::string_view();
        piece_ = "piece " + std::to_string(left_--) + "\n";
        co_return std::string_view(piece_);
    }

  private:
    int left_;
    bool fails_;
    std::string piece_;
};

// Pieces that are not copied on their way: "aaa…", "bbb…".
class LargePieces final : public BodySource {
  public:
    static constexpr std::size_t piece_bytes = 100'000;
    static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
    Task<Result<std::string_view>> next() override {
        if (given_ == letters.size()) co_return std::string_view();
        piece_.assign(piece_bytes, letters[given_++]);
        co_return std::string_view(piece_);
    }

  private:
    std::size_t given_ = 0;
    std::string piece_;
};

// Each piece takes the server a millisecond to make, so a client on this machine keeps up.
class BusyPieces final : public BodySource {
  public:
    static constexpr int count = 300;
    explicit BusyPieces(std::atomic<int>& made) : made_(made) {}
    Task<Result<std::string_view>> next() override {
        if (made_ == count) co_return std::string_view();
        const std::int64_t until_us = monotonic_us() + 1'000;
        while (monotonic_us() < until_us) {
        }
        ++made_;
        co_return std::string_view(piece_);
    }

  private:
    std::atomic<int>& made_;
    const std::string piece_ = std::string(100'000, 'x');
};

// The same letters, in a file that may be cut off; every other piece says that it is in memory.
class FilePieces final : public BodySource {
  public:
    static constexpr std::size_t size = LargePieces::letters.size() * LargePieces::piece_bytes;
    explicit FilePieces(std::size_t file_bytes = size) {
        for (const char letter : LargePieces::letters)
            std::fputs(std::string(LargePieces::piece_bytes, letter).c_str(), file_.get());
        std::fflush(file_.get());
        EXPECT_EQ(::ftruncate(::fileno(file_.get()), static_cast<off_t>(file_bytes)), 0);
    }
    Task<Result<std::string_view>> next() override {
        EXPECT_TRUE(may_copy_ || !is_in_file());
        piece_.resize(std::min(left_of_piece(), size - at_));
        const ssize_t got =
            ::pread(::fileno(file_.get()), piece_.data(), piece_.size(), static_cast<off_t>(at_));
        if (got <= 0 && at_ < size) co_return Error::invalid("the file ends");
        at_ += static_cast<std::size_t>(got);
        co_return std::string_view(piece_).substr(0, static_cast<std::size_t>(got));
    }
    std::optional<FilePiece> in_file() override {
        EXPECT_FALSE(may_copy_);
        if (!is_in_file()) return std::nullopt;
        return FilePiece{::fileno(file_.get()), static_cast<std::int64_t>(at_), left_of_piece()};
    }
    void skip(std::size_t sent) override { at_ += sent; }
    void only_copied() { may_copy_ = true; }

  private:
    std::size_t left_of_piece() const {
        return LargePieces::piece_bytes - at_ % LargePieces::piece_bytes;
    }
    bool is_in_file() const { return at_ < size && at_ / LargePieces::piece_bytes % 2 == 1; }

    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{std::tmpfile(), &std::fclose};
    std::size_t at_ = 0;
    std::string piece_;
    bool may_copy_ = false;
};

// A request to /wait is suspended here until the test lets it go on.
struct Gate {
    std::atomic<Executor*> executor = nullptr;
    std::coroutine_handle<> waiting;

    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        waiting = handle;
        executor = &Executor::current();
        executor.notify_all();
    }
    void await_resume() const {}
    void wait_for_request() { executor.wait(nullptr); }
    void open() {
        executor.load()->post([this] { waiting.resume(); });
    }
};

class OddHandler final : public RequestHandler {
  public:
    Gate gate;
    std::atomic<int> handled = 0;
    std::atomic<int> finished = 0;
    std::atomic<int> busy_pieces = 0;
    HttpClient* client = nullptr;
    std::string client_url;

    Task<Response> handle(Request& request) override {
        ++handled;
        Response response;
        response.content_type = "text/plain";
        if (request.path == "/echo") {
            response = co_await echo(request);
        } else if (request.path == "/count") {
            response = co_await count(request);
        } else if (request.path == "/ignore") {
            response.body = "ignored";
        } else if (request.path == "/throw") {
            throw std::runtime_error("thrown by the test");
        } else if (request.path == "/stream") {
            response.source = std::make_unique<CountedSource>(3, false);
        } else if (request.path == "/large-stream") {
            response.source = std::make_unique<LargePieces>();
        } else if (request.path == "/busy") {
            response.source = std::make_unique<BusyPieces>(busy_pieces);
        } else if (request.path == "/file" || request.path == "/cut-file") {
            const bool is_cut = request.path == "/cut-file";
            auto source = std::make_unique<FilePieces>(is_cut ? 350'000 : FilePieces::size);
            if (request.is_tls) source->only_copied();
            response.source = std::move(source);
            response.source_size = FilePieces::size;
        } else if (request.path == "/broken-stream") {
            response.source = std::make_unique<CountedSource>(3, true);
        } else if (request.path == "/sized-stream") {
            response.source = std::make_unique<CountedSource>(3, false);
            response.source_size = 24;
        } else if (request.path == "/short-stream") {
            response.source = std::make_unique<CountedSource>(3, false);
            response.source_size = 25;
        } else if (request.path == "/wait") {
            co_await gate;
            response.body = "waited";
        } else if (request.path == "/large") {
            response.body.assign(8 * 1024 * 1024, 'x');
        } else if (request.path == "/close") {
            response.close = true;
            response.body = "closing";
        } else if (request.path == "/gzip") {
            response.add_header("Content-Encoding", "gzip");
            response.body = "not really";
        } else if (request.path == "/no-content") {
            response.status = 204;
        } else {
            response.add_header("X-Peer", request.peer.text());
            response.add_header("X-Tls", request.is_tls ? "yes" : "no");
            response.body.append(request.method_text).append(" ").append(request.target);
        }
        ++finished;
        co_return response;
    }
    Response error_response(int status, std::string_view name, std::string_view message) override {
        Response response;
        response.status = status;
        response.content_type = "application/json";
        response.body.append("{\"error\":\"").append(name).append("\",\"message\":\"");
        response.body.append(message).append("\"}");
        return response;
    }

  private:
    Task<Response> echo(Request& request) {
        constexpr std::size_t echo_bytes_max = 100'000;
        auto body = co_await request.body->read_all(echo_bytes_max);
        if (!body)
            co_return error_response(status_of(body.error().fault), body.error().name,
                                     body.error().message);
        Response response;
        response.body = std::move(*body);
        co_return response;
    }
    Task<Response> count(Request& request) {
        std::size_t size = 0;
        while (true) {
            auto piece = co_await request.body->read_some();
            if (!piece) co_return error_response(400, piece.error().name, piece.error().message);
            if (piece->empty()) break;
            size += piece->size();
        }
        Response response;
        response.body = std::to_string(size);
        co_return response;
    }
};

// A blocking socket; nothing waits longer than ten seconds.
class RawClient {
  public:
    explicit RawClient(std::uint16_t port, int receive_buffer = 0)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_buffer > 0)
            setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    }
    ~RawClient() { close(); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void close() {
        if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    }
    void shutdown_send() { ::shutdown(socket_, SHUT_WR); }
    bool send(std::string_view data) {
        while (!data.empty()) {
            const ssize_t sent = ::send(socket_, data.data(), data.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            data.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    // What arrives until the server closes.
    std::string read_to_end() {
        while (read_more()) {
        }
        return std::exchange(received_, {});
    }
    // One answer with a Content-Length, head and body; less if the server closes before its end.
    std::string read_answer() {
        std::size_t end = 0;
        while ((end = received_.find("\r\n\r\n")) == std::string::npos)
            if (!read_more()) return std::exchange(received_, {});
        end += 4;
        const std::string_view name = "\r\nContent-Length: ";
        if (const std::size_t at = received_.find(name); at < end) {
            std::size_t size = 0;
            std::from_chars(received_.data() + at + name.size(), received_.data() + end, size);
            while (received_.size() < end + size)
                if (!read_more()) break;
            end += size;
        }
        std::string answer = received_.substr(0, end);
        received_.erase(0, end);
        return answer;
    }
    // True if the server has closed, and sent nothing before.
    bool is_closed() { return read_to_end().empty() && is_ended_; }
    bool is_silent_for(int ms) {
        pollfd poll_one{socket_, POLLIN, 0};
        return received_.empty() && ::poll(&poll_one, 1, ms) == 0;
    }
    int socket() const { return socket_; }

  private:
    bool read_more() {
        pollfd poll_one{socket_, POLLIN, 0};
        if (::poll(&poll_one, 1, 10'000) <= 0) {
            ADD_FAILURE() << "nothing arrived within ten seconds";
            return false;
        }
        char buffer[16 * 1024];
        const ssize_t got = ::recv(socket_, buffer, sizeof(buffer), 0);
        if (got <= 0) {
            is_ended_ = true;
            return false;
        }
        received_.append(buffer, static_cast<std::size_t>(got));
        return true;
    }

    int socket_;
    std::string received_;
    bool is_ended_ = false;
};

inline int status_of(std::string_view answer) {
    int status = 0;
    if (answer.starts_with("HTTP/1.1 "))
        std::from_chars(answer.data() + 9, answer.data() + answer.size(), status);
    return status;
}
inline std::string_view body_of(std::string_view answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string_view::npos ? "" : answer.substr(end + 4);
}
inline int count_answers(std::string_view bytes) {
    int count = 0;
    for (std::size_t at = 0; (at = bytes.find("\r\nDate: ", at)) != std::string_view::npos; ++at)
        ++count;
    return count;
}

// A started server; stopped at the end of the test.
class TestServer {
  public:
    explicit TestServer(const ServerLimits& limits = {}, std::optional<TlsFiles> tls = {},
                        int threads = 1) {
        ServerOptions options;
        options.threads = threads;
        options.tls = std::move(tls);
        auto listening = listen_with_limits(options, handler, limits);
        if (!listening) throw std::runtime_error(listening.error().message);
        server = std::move(*listening);
        server->start();
    }
    ~TestServer() { server->stop(1'000); }
    std::uint16_t port() const { return server->port(); }

    // Sends bytes on a connection of their own, and returns all that comes until it is closed.
    std::string exchange(std::string_view bytes) {
        RawClient client(port());
        client.send(bytes);
        client.shutdown_send();
        return client.read_to_end();
    }

    OddHandler handler;
    std::unique_ptr<HttpServer> server;
};

// Runs a task on an event loop of the server and waits for its result.
template <class T>
T run_on(Executor& executor, Task<T> task) {
    std::optional<T> result;
    std::atomic<bool> is_done = false;
    struct Run {
        static Task<void> run(Task<T> inner, std::optional<T>& to, std::atomic<bool>& done) {
            to.emplace(co_await std::move(inner));
            done = true;
            done.notify_one();
        }
    };
    executor.post([&] { start_detached(Run::run(std::move(task), result, is_done)); });
    is_done.wait(false);
    return std::move(*result);
}

inline bool becomes_true(auto condition) {
    const std::int64_t until_us = monotonic_us() + 10'000'000;
    while (!condition()) {
        if (monotonic_us() > until_us) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace roost::net
