#include "net/http_server.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "net/connection.h"
#include "net/server_internal.h"

namespace roost::net {

namespace {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, LoopExecutor>;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
using boost::system::error_code;
using Endpoint = asio::ip::tcp::endpoint;

constexpr int backlog = 1'024;
constexpr std::int64_t accept_retry_ms = 100;  // when the process is out of files

Error cannot_listen(const Endpoint& endpoint, const error_code& error) {
    const std::string port = std::to_string(endpoint.port());
    const std::string address = endpoint.address().to_string();
    if (error == asio::error::address_in_use)
        return Error::invalid("Port " + port + " is in use on " + address + ".", "AddressInUse");
    return Error::invalid(
        "Cannot listen on " + address + ", port " + port + ": " + error.message() + ".",
        "CannotListen");
}

error_code open(Acceptor& acceptor, const Endpoint& endpoint, bool shares_port) {
    error_code error;
    if (acceptor.open(endpoint.protocol(), error)) return error;
    if (acceptor.set_option(Acceptor::reuse_address(true), error)) return error;
    if (shares_port && acceptor.set_option(ReusePort(true), error)) return error;
    if (endpoint.address().is_v6() && acceptor.set_option(asio::ip::v6_only(true), error))
        return error;
    acceptor.bind(endpoint, error);
    return error;
}

// Leaves files for everything else, however small the process's limit is.
std::int64_t connections_max(const ServerLimits& limits) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    const auto soft = static_cast<std::int64_t>(std::min<rlim_t>(files.rlim_cur, 1 << 30));
    const std::int64_t reserved = std::min(limits.files_reserved, soft / 4);
    return std::min(limits.connections_max, soft - reserved);
}

class Server;

// Accepts on one address for one loop.
class Listener {
  public:
    Listener(Server& server, ServerLoop& loop)
        : server_(server), loop_(loop), acceptor_(loop.loop.io()), peer_(loop.loop.io()) {}
    Result<void> listen(const Endpoint& endpoint);
    std::uint16_t port() const { return port_; }
    void accept();
    void close();
    const ServerLoop& loop() const { return loop_; }

  private:
    void on_accepted(const error_code& error);

    Server& server_;
    ServerLoop& loop_;
    Acceptor acceptor_;
    Socket peer_;
    std::uint16_t port_ = 0;
};

class Server final : public HttpServer {
  public:
    Server(ServerOptions options, RequestHandler& handler, const ServerLimits& limits);
    ~Server() override { stop(0); }
    Result<void> listen();

    std::uint16_t port() const override { return listeners_.front()->port(); }
    std::vector<Executor*> executors() override;
    void start() override;
    void stop(int deadline_ms) override;
    ServerStats stats() const override;

    const TlsContext* tls() const { return tls_ ? &*tls_ : nullptr; }
    bool is_full() const { return stats().connections_open >= connections_max_; }

  private:
    Result<void> listen_on(const Endpoint& endpoint);
    bool wait_for_connections(std::int64_t until_us) const;

    ServerOptions options_;
    ServerLimits limits_;
    std::int64_t connections_max_;
    std::optional<TlsContext> tls_;
    std::vector<std::unique_ptr<ServerLoop>> loops_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<std::thread> threads_;
};

Result<void> Listener::listen(const Endpoint& endpoint) {
    error_code error = open(acceptor_, endpoint, true);
    if (!error) acceptor_.listen(backlog, error);
    if (error) return cannot_listen(endpoint, error);
    port_ = acceptor_.local_endpoint().port();
    return {};
}

void Listener::accept() {
    acceptor_.async_accept(peer_, [this](const error_code& error) { on_accepted(error); });
}

void Listener::close() {
    error_code ignored;
    acceptor_.close(ignored);
}

void Listener::on_accepted(const error_code& error) {
    if (!acceptor_.is_open() || error == asio::error::operation_aborted) return;
    if (error == asio::error::no_descriptors || error.value() == ENFILE ||
        error.value() == ENOMEM || error.value() == ENOBUFS) {
        log::warn("cannot accept connections", {{"reason", error.message()}});
        loop_.loop.post_after(accept_retry_ms, [this] {
            if (acceptor_.is_open()) accept();
        });
        return;
    }
    if (!error) {
        Socket peer = std::move(peer_);
        peer_ = Socket(loop_.loop.io());
        if (!server_.is_full())
            start_detached(Connection::run(
                std::make_unique<Connection>(loop_, std::move(peer), server_.tls())));
    }
    accept();
}

Server::Server(ServerOptions options, RequestHandler& handler, const ServerLimits& limits)
    : options_(std::move(options)), limits_(limits), connections_max_(connections_max(limits)) {
    int threads = options_.is_internal ? 1 : options_.threads;
    if (threads <= 0) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    for (int i = 0; i < threads; ++i)
        loops_.push_back(std::make_unique<ServerLoop>(handler, limits_));
}

Result<void> Server::listen() {
    if (options_.tls) tls_ = TRY(TlsContext::for_server(*options_.tls));
    if (options_.addresses.empty()) return Error::invalid("There is no address to listen on.");
    for (const std::string& text : options_.addresses) {
        error_code error;
        const auto address = asio::ip::make_address(text, error);
        if (error) return Error::invalid("\"" + text + "\" is not an IP address.");
        // All addresses share the port that the first one got.
        const std::uint16_t port = listeners_.empty() ? options_.port : this->port();
        TRY(listen_on({address, port}));
    }
    return {};
}

Result<void> Server::listen_on(const Endpoint& endpoint) {
    if (options_.port != 0) {
        // Sharing a port among our loops would also share it with another process: see first
        // whether we can have it alone.
        Acceptor alone(loops_.front()->loop.io());
        if (const error_code error = open(alone, endpoint, false))
            return cannot_listen(endpoint, error);
    }
    Endpoint actual = endpoint;
    for (const auto& loop : loops_) {
        auto listener = std::make_unique<Listener>(*this, *loop);
        TRY(listener->listen(actual));
        actual.port(listener->port());
        listeners_.push_back(std::move(listener));
    }
    return {};
}

std::vector<Executor*> Server::executors() {
    std::vector<Executor*> executors;
    for (const auto& loop : loops_)
        executors.push_back(&loop->loop);
    return executors;
}

void Server::start() {
    check(threads_.empty(), "a server is started once");
    for (const auto& listener : listeners_)
        listener->accept();
    for (const auto& loop : loops_)
        threads_.emplace_back([&loop = loop->loop] { loop.run(); });
}

bool Server::wait_for_connections(std::int64_t until_us) const {
    while (stats().connections_open > 0) {
        if (monotonic_us() >= until_us) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

void Server::stop(int deadline_ms) {
    if (threads_.empty()) return;
    const std::int64_t deadline_us = monotonic_us() + std::int64_t{deadline_ms} * 1'000;
    std::atomic<std::size_t> told = 0;
    for (const auto& loop : loops_) {
        loop->loop.post([this, &told, &server = *loop] {
            for (const auto& listener : listeners_)
                if (&listener->loop() == &server) listener->close();
            server.is_stopping = true;
            for (Connection* connection : server.connections)
                connection->end_if_idle();
            told.fetch_add(1);
            told.notify_one();
        });
    }
    for (std::size_t n = 0; n < loops_.size(); n = told.load())
        told.wait(n);
    if (!wait_for_connections(deadline_us)) {
        for (const auto& loop : loops_) {
            loop->loop.post([&server = *loop] {
                for (Connection* connection : server.connections)
                    connection->abort();
            });
        }
        // Handlers that wait for nothing but their peer end now. The others are left where they
        // are: what they wait for may still write to them.
        constexpr std::int64_t grace_us = 100'000;
        if (!wait_for_connections(monotonic_us() + grace_us))
            log::warn("requests were cut off", {{"count", stats().connections_open}});
    }
    for (const auto& loop : loops_)
        loop->loop.stop();
    for (std::thread& thread : threads_)
        thread.join();
    threads_.clear();
}

ServerStats Server::stats() const {
    ServerStats stats;
    for (const auto& loop : loops_) {
        stats.connections_open += loop->connections_open.load(std::memory_order_relaxed);
        stats.requests_total += loop->requests_total.load(std::memory_order_relaxed);
    }
    return stats;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> listen_with_limits(ServerOptions options,
                                                       RequestHandler& handler,
                                                       const ServerLimits& limits) {
    auto server = std::make_unique<Server>(std::move(options), handler, limits);
    TRY(server->listen());
    return std::unique_ptr<HttpServer>(std::move(server));
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(ServerOptions options,
                                                       RequestHandler& handler) {
    return listen_with_limits(std::move(options), handler, ServerLimits());
}

}  // namespace roost::net
