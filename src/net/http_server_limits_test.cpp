// Time limits (made short), bounds on connections, and stopping.
#include <csignal>
#include <cstdio>

#include "net/test_server.h"

namespace roost::net {
namespace {

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::int64_t elapsed_ms(std::int64_t start_us) {
    return (monotonic_us() - start_us) / 1'000;
}

// One byte every 20 ms, 500 at most, until the server closes. How many.
int crawl(RawClient& client) {
    int sent = 0;
    for (; sent < 500 && client.send("x"); ++sent)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return sent;
}

TEST(ServerLimits, AHeadThatCrawlsIsRefused) {
    ServerLimits limits;
    limits.header_ms = 300;
    TestServer server(limits);
    RawClient client(server.port());
    const std::int64_t start_us = monotonic_us();
    std::thread crawl([&] {
        client.send("GET / HTTP/1.1\r\n");
        for (int i = 0; i < 100; ++i) {
            if (!client.send("A: b\r\n")) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    RawClient other(server.port());
    other.send("G");
    EXPECT_EQ(status_of(std::string_view(other.read_to_end())), 408);
    EXPECT_GE(elapsed_ms(start_us), 250);
    crawl.join();
    EXPECT_EQ(server.handler.handled, 0);
}

TEST(ServerLimits, AnIdleConnectionIsClosed) {
    ServerLimits limits;
    limits.idle_ms = 300;
    TestServer server(limits);
    RawClient never_spoke(server.port());
    RawClient client(server.port());
    client.send(get);
    EXPECT_EQ(body_of(client.read_answer()), "GET /");
    const std::int64_t start_us = monotonic_us();
    EXPECT_TRUE(client.is_closed());
    EXPECT_GE(elapsed_ms(start_us), 250);
    EXPECT_TRUE(never_spoke.is_closed());
}

TEST(ServerLimits, ABodyThatStallsIsGivenUp) {
    ServerLimits limits;
    limits.body_stall_ms = 200;
    TestServer server(limits);
    RawClient client(server.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    const std::int64_t start_us = monotonic_us();
    const std::string answer = client.read_to_end();
    EXPECT_EQ(status_of(std::string_view(answer)), 400);
    EXPECT_GE(elapsed_ms(start_us), 150);
    EXPECT_LT(elapsed_ms(start_us), 5'000);
}

// Fifty bytes in a second are no stall, but too slow.
TEST(ServerLimits, ABodyThatCrawlsIsGivenUp) {
    ServerLimits limits;
    limits.body_rate_grace_ms = 200;
    limits.linger_ms = 500;
    TestServer server(limits);
    RawClient client(server.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    int sent = 0;
    std::thread sender([&] { sent = crawl(client); });
    EXPECT_EQ(status_of(std::string_view(client.read_to_end())), 400);
    sender.join();
    EXPECT_LT(sent, 400);
}

// Most clients read nothing before they have sent everything.
TEST(ServerLimits, ARefusalReachesAPeerThatSendsItsWholeBodyFirst) {
    constexpr std::size_t body_bytes = 32 * 1024 * 1024;
    TestServer server;
    RawClient client(server.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body_bytes) +
                "\r\n\r\n");
    EXPECT_TRUE(client.send(std::string(body_bytes, 'x')));
    EXPECT_EQ(status_of(std::string_view(client.read_to_end())), 413);
}

// But not for ever: neither one that goes on and on nor one that says nothing any more.
TEST(ServerLimits, AfterARefusalAPeerIsWaitedForSoLong) {
    ServerLimits limits;
    limits.linger_ms = 400;
    limits.linger_silence_ms = 200;
    TestServer server(limits);
    RawClient silent(server.port());
    RawClient endless(server.port());
    for (RawClient* client : {&silent, &endless})
        client->send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    EXPECT_LT(crawl(endless), 400);
    EXPECT_TRUE(becomes_true([&] { return server.server->stats().connections_open == 0; }));
    EXPECT_EQ(status_of(std::string_view(silent.read_to_end())), 413);
}

// The system takes some four megabytes before anybody stalls.
TEST(ServerLimits, AReaderThatStallsIsCutOff) {
    ServerLimits limits;
    limits.write_stall_ms = 300;
    TestServer server(limits);
    for (const std::string path : {"/large", "/file"}) {
        const int finished = server.handler.finished;
        RawClient client(server.port(), 4096);
        for (int i = 0; i < 4; ++i)
            client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_TRUE(becomes_true([&] { return server.handler.finished > finished; }));
        EXPECT_TRUE(becomes_true([&] { return server.server->stats().connections_open == 0; }));
        EXPECT_LT(client.read_to_end().size(), 8u * 1024 * 1024);
    }
}

TEST(ServerLimits, AHandlerMayTakeLongerThanAnyLimit) {
    ServerLimits limits;
    limits.header_ms = limits.idle_ms = limits.body_stall_ms = limits.write_stall_ms = 50;
    TestServer server(limits);
    RawClient client(server.port());
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    server.handler.gate.wait_for_request();
    EXPECT_TRUE(client.is_silent_for(300));
    server.handler.gate.open();
    EXPECT_EQ(body_of(client.read_answer()), "waited");
}

TEST(ServerLimits, ConnectionsAreBounded) {
    ServerLimits limits;
    limits.connections_max = 3;
    TestServer server(limits);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<RawClient>(server.port()));
        clients.back()->send(get);
        EXPECT_EQ(body_of(clients.back()->read_answer()), "GET /");
    }
    EXPECT_TRUE(RawClient(server.port()).is_closed());
    clients.pop_back();
    EXPECT_TRUE(becomes_true([&] { return server.server->stats().connections_open == 2; }));
    RawClient again(server.port());
    again.send(get);
    EXPECT_EQ(body_of(again.read_answer()), "GET /");
}

TEST(ServerStop, ClosesTheIdleAndFinishesTheBusy) {
    TestServer server;
    RawClient idle(server.port());
    idle.send(get);
    EXPECT_EQ(body_of(idle.read_answer()), "GET /");
    RawClient busy(server.port());
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    server.handler.gate.wait_for_request();
    std::thread stop([&] { server.server->stop(10'000); });
    EXPECT_TRUE(idle.is_closed());
    EXPECT_TRUE(busy.is_silent_for(100));
    server.handler.gate.open();
    const std::string answer = busy.read_to_end();
    EXPECT_EQ(body_of(answer), "waited");
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
    busy.close();
    const std::int64_t start_us = monotonic_us();
    stop.join();
    EXPECT_LT(elapsed_ms(start_us), 5'000);
}

TEST(ServerStop, DoesNotWaitForeverForAHandlerOrAReader) {
    OddHandler handler;
    auto server = HttpServer::listen({.threads = 2}, handler);
    ASSERT_TRUE(server.has_value());
    (*server)->start();
    RawClient stuck((*server)->port());
    stuck.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    handler.gate.wait_for_request();
    RawClient reader((*server)->port(), 4096);
    reader.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(becomes_true([&] { return handler.finished == 1; }));
    const std::int64_t start_us = monotonic_us();
    (*server)->stop(200);
    EXPECT_GE(elapsed_ms(start_us), 200);
    EXPECT_LT(elapsed_ms(start_us), 3'000);
    EXPECT_LT(reader.read_to_end().size(), 8u * 1024 * 1024);
    // The handler that is stuck in the gate keeps its connection, and may still end after all.
    EXPECT_EQ((*server)->stats().connections_open, 1);
    handler.gate.waiting.resume();
    EXPECT_EQ((*server)->stats().connections_open, 0);
}

TEST(ServerStop, LosesNoAnswerUnderLoad) {
    constexpr int clients_count = 8;
    TestServer server({}, {}, 2);
    std::atomic<int> answered = 0;
    std::atomic<int> broken = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < clients_count; ++i) {
        clients.emplace_back([&] {
            RawClient client(server.port());
            for (int n = 0; n < 100'000; ++n) {
                if (!client.send(get)) break;
                const std::string answer = client.read_answer();
                if (answer.empty()) break;  // closed between two requests
                if (body_of(answer) == "GET /") {
                    ++answered;
                } else {
                    ++broken;
                    break;
                }
            }
        });
    }
    EXPECT_TRUE(becomes_true([&] { return answered > 200; }));
    server.server->stop(5'000);
    for (std::thread& client : clients)
        client.join();
    EXPECT_EQ(broken, 0);
    // Each request that reached the handler was answered.
    EXPECT_EQ(server.handler.handled, answered);
    EXPECT_EQ(server.server->stats().connections_open, 0);
}

TEST(ServerListen, SaysWhyItCannot) {
    OddHandler handler;
    TestServer other;
    const auto taken = HttpServer::listen({.port = other.port()}, handler);
    ASSERT_FALSE(taken.has_value());
    EXPECT_EQ(taken.error().message,
              "Port " + std::to_string(other.port()) + " is in use on 127.0.0.1.");
    const auto nonsense = HttpServer::listen({.addresses = {"localhost"}}, handler);
    ASSERT_FALSE(nonsense.has_value());
    EXPECT_EQ(nonsense.error().message, "\"localhost\" is not an IP address.");
    const auto foreign = HttpServer::listen({.addresses = {"192.0.2.1"}}, handler);
    ASSERT_FALSE(foreign.has_value());
    EXPECT_TRUE(foreign.error().message.starts_with("Cannot listen on 192.0.2.1, port 0: "));
}

TEST(ServerListen, SharesOnePortOverAddressesAndThreads) {
    OddHandler handler;
    auto server =
        HttpServer::listen({.addresses = {"127.0.0.1", "127.0.0.2"}, .threads = 2}, handler);
    ASSERT_TRUE(server.has_value()) << server.error().message;
    EXPECT_EQ((*server)->executors().size(), 2u);
    (*server)->start();
    for (int i = 0; i < 20; ++i) {
        RawClient client((*server)->port());
        client.send(get);
        EXPECT_EQ(body_of(client.read_answer()), "GET /");
    }
    (*server)->stop(1'000);
    EXPECT_EQ((*server)->stats().requests_total, 20);
}

TEST(EventLoop, RunsWorkAfterItsDelay) {
    TestServer server;
    Executor& executor = *server.server->executors().front();
    std::atomic<int> order = 0;
    std::atomic<std::int64_t> late_ms = -1;
    const std::int64_t start_us = monotonic_us();
    executor.post_after(150, [&] {
        late_ms = elapsed_ms(start_us);
        ++order;
    });
    executor.post_after(20, [&] {
        EXPECT_EQ(order, 0);
        executor.post_after(20, [&] { EXPECT_EQ(order++, 0); });
    });
    EXPECT_TRUE(becomes_true([&] { return order == 2; }));
    EXPECT_GE(late_ms, 150);
}

}  // namespace
}  // namespace roost::net
