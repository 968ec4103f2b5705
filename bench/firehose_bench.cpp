// What it costs to deliver an event to one more subscriber of the event stream:
//
//     firehose_bench [events [bytes of an event]]
//
// Writes events into a database in a temporary folder, 64 at a time, while 1, 10 and 100
// subscribers take them over loopback sockets in another process, whose CPU is not counted. Prints
// for each the CPU of all and, compared with the first, of one delivery.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/run_loop.h"
#include "db/database.h"
#include "net/http_server.h"
#include "pds/sync/event_log.h"
#include "pds/sync/firehose.h"

namespace {

using namespace roost;

constexpr int writers = 64;

double cpu_us() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto us = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return us(usage.ru_utime) + us(usage.ru_stime);
}

// The subscribers: read and forget, until all have been closed.
[[noreturn]] void subscribe(int ports, int count) {
    std::uint16_t port = 0;
    check(read(ports, &port, sizeof(port)) == sizeof(port), "the server has a port");
    constexpr std::string_view request =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const int poll = epoll_create1(0);
    for (int i = 0; i < count; ++i) {
        const int peer = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        check(connect(peer, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0, "it is let in");
        check(send(peer, request.data(), request.size(), 0) > 0, "it asks");
        epoll_event event{.events = EPOLLIN, .data = {.fd = peer}};
        epoll_ctl(poll, EPOLL_CTL_ADD, peer, &event);
    }
    static char buffer[1024 * 1024];
    for (int open = count; open > 0;) {
        epoll_event events[64];
        const int ready = epoll_wait(poll, events, 64, 30'000);
        if (ready == 0) std::_Exit(1);
        for (int i = 0; i < ready; ++i) {
            if (recv(events[i].data.fd, buffer, sizeof(buffer), 0) > 0) continue;
            close(events[i].data.fd);
            --open;
        }
    }
    std::_Exit(0);
}

class Handler final : public net::RequestHandler {
  public:
    explicit Handler(pds::Firehose& firehose) : firehose_(firehose) {}
    Task<net::Response> handle(net::Request&) override {
        net::Response response;
        response.websocket = *firehose_.subscribe(std::nullopt);
        co_return response;
    }
    net::Response error_response(int status, std::string_view, std::string_view) override {
        net::Response response;
        response.status = status;
        return response;
    }

  private:
    pds::Firehose& firehose_;
};

struct Facts {
    atproto::Did did = *atproto::Did::parse("did:web:a.test");
    atproto::Tid rev = atproto::Tid::from({7}, 1);
    atproto::Cid cid = atproto::Cid::of(atproto::Codec::dag_cbor, as_bytes("x"));
};

Task<void> write(db::Database& db, const Facts& facts, Bytes block, int count,
                 std::shared_ptr<int> open) {
    for (int i = 0; i < count; ++i) {
        const auto body = [&facts, &block](db::Transaction& t) -> Result<void> {
            pds::event_log::append_sync(t, facts.did, facts.rev, facts.cid, block, now());
            return {};
        };
        check((co_await db.write(body)).has_value(), "events can be written");
    }
    --*open;
}

Task<void> write_all(db::Database& db, const Facts& facts, const Bytes& block, int events) {
    const auto open = std::make_shared<int>(writers);
    for (int i = 0; i < writers; ++i)
        start_detached(write(db, facts, block, events / writers, open));
    while (*open > 0)
        co_await sleep_ms(1);
}

void wait_until(auto condition) {
    while (!condition())
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// CPU in µs, of this process, from the first write to the last delivery.
double measure(int subscribers, int events, std::size_t size) {
    int ports[2];
    check(pipe(ports) == 0, "a pipe can be made");
    const pid_t child = fork();
    if (child == 0) subscribe(ports[0], subscribers);
    std::string folder = std::filesystem::temp_directory_path() / "firehose-bench-XXXXXX";
    check(mkdtemp(folder.data()) != nullptr, "a folder can be made");
    pds::Firehose* listener = nullptr;
    auto db = *db::Database::open(
        {.path = folder + "/db.sqlite", .listeners = {{"event", [&] { listener->wake(); }}}});
    pds::Firehose firehose(*db, {});
    listener = &firehose;
    Handler handler(firehose);
    auto server = *net::HttpServer::listen({.threads = 1}, handler);
    server->start();
    const std::uint16_t port = server->port();
    check(::write(ports[1], &port, sizeof(port)) == sizeof(port), "the child is told");
    wait_until([&] { return firehose.stats().subscribers == subscribers; });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));

    RunLoop loop;
    const Facts facts;
    const double before_us = cpu_us();
    const std::int64_t start_us = monotonic_us();
    loop.run(write_all(*db, facts, Bytes(size, 1), events));
    const std::int64_t expected = std::int64_t{events} / writers * writers * subscribers;
    wait_until([&] {
        const auto stats = firehose.stats();
        return stats.frames_total >= expected || stats.too_slow_total > 0;
    });
    const double used_us = cpu_us() - before_us;
    const auto stats = firehose.stats();
    std::printf(
        "%4d subscribers: %lld frames of %lld bytes, %.0f ms, %.0f ms of CPU, %lld cut off\n",
        subscribers, static_cast<long long>(stats.frames_total),
        static_cast<long long>(stats.bytes_total / std::max<std::int64_t>(1, stats.frames_total)),
        static_cast<double>(monotonic_us() - start_us) / 1e3, used_us / 1e3,
        static_cast<long long>(stats.too_slow_total));
    server->stop(3'000);
    waitpid(child, nullptr, 0);
    close(ports[0]);
    close(ports[1]);
    db.reset();
    std::filesystem::remove_all(folder);
    return used_us;
}

}  // namespace

int main(int count, char** arguments) {
    const int events = count > 1 ? std::atoi(arguments[1]) : 20'000;
    const std::size_t size = count > 2 ? static_cast<std::size_t>(std::atoi(arguments[2])) : 1'000;
    const double one_us = measure(1, events, size);
    for (const int subscribers : {10, 100}) {
        const double all_us = measure(subscribers, events, size);
        std::printf("     one more delivery: %.2f us of CPU\n",
                    (all_us - one_us) / (static_cast<double>(subscribers - 1) * events));
    }
    return 0;
}
