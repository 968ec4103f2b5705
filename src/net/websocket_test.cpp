#include "net/websocket.h"

#include <gtest/gtest.h>

#include <mutex>

#include "net/test_certificate.h"
#include "net/test_server.h"
#include "net/test_websocket.h"
#include "net/tls.h"

namespace roost::net {
namespace {

// What the tests put in, in the order in which it is to come out. Any thread.
class Script final : public WebSocketFeed {
  public:
    std::atomic<bool> is_open = false;
    std::atomic<bool> has_ended = false;
    std::atomic<bool> fails = false;
    std::atomic<int> asked = 0;

    void add(std::vector<SharedFrame> frames) {
        {
            const std::lock_guard lock(mutex_);
            for (SharedFrame& frame : frames)
                waiting_.push_back(std::move(frame));
        }
        on_loop([this] { socket_->wake(); });
    }
    void add_text(std::string_view text) { add({binary_frame(as_bytes(text))}); }
    void close(CloseCode code, std::string reason, SharedFrame last) {
        on_loop([=, this] { socket_->close(code, reason, last); });
    }
    bool is_stalled() {
        std::atomic<int> answer = -1;
        on_loop([&] { answer = socket_->stalled_since_us() != 0 ? 1 : 0; });
        return becomes_true([&] { return answer >= 0; }) && answer == 1;
    }

    void open(WebSocket& socket) override {
        socket_ = &socket;
        executor_ = &Executor::current();
        is_open = true;
    }
    Task<void> next(std::vector<SharedFrame>& frames, std::size_t) override {
        ++asked;
        if (fails) throw std::runtime_error("thrown by the test");
        const std::lock_guard lock(mutex_);
        std::swap(frames, waiting_);
        co_return;
    }
    void ended() override { has_ended = true; }

  private:
    void on_loop(Executor::Work work) {
        ASSERT_TRUE(becomes_true([&] { return is_open.load(); }));
        executor_->post([this, inner = std::move(work)]() mutable {
            if (!has_ended) inner();
        });
    }

    WebSocket* socket_ = nullptr;
    Executor* executor_ = nullptr;
    std::mutex mutex_;
    std::vector<SharedFrame> waiting_;
};

class StreamHandler final : public RequestHandler {
  public:
    std::shared_ptr<Script> script = std::make_shared<Script>();

    Task<Response> handle(Request& request) override {
        Response response;
        if (const Result<void> upgrade = check_upgrade(request); upgrade.has_value()) {
            response.add_header("X-Extra", "yes");
            response.websocket = script;
        } else {
            response = error_response(upgrade.error().name == "UpgradeRequired" ? 426 : 400,
                                      upgrade.error().name, upgrade.error().message);
        }
        co_return response;
    }
    Response error_response(int status, std::string_view name, std::string_view message) override {
        Response response;
        response.status = status;
        response.body.append(name).append(": ").append(message);
        return response;
    }
};

class Server {
  public:
    explicit Server(const ServerLimits& limits = {}, std::optional<TlsFiles> tls = {}) {
        ServerOptions options;
        options.threads = 1;
        options.tls = std::move(tls);
        auto listening = listen_with_limits(options, handler, limits);
        check(listening.has_value(), "a test server listens");
        server = std::move(*listening);
        server->start();
    }
    ~Server() { server->stop(1'000); }
    Script& script() { return *handler.script; }

    StreamHandler handler;
    std::unique_ptr<HttpServer> server;
};

// A client that has been let in.
class Client {
  public:
    explicit Client(Server& server, int receive_buffer = 0)
        : raw(server.server->port(), receive_buffer) {
        raw.send(websocket_request);
        head = raw.read_answer();
    }
    void send(std::uint8_t first, std::string_view payload) {
        raw.send(client_frame(first, payload));
    }
    // The next frame; its first byte is 0 if the server closes instead.
    ServerFrame read() {
        ServerFrame frame;
        while (!take_server_frame(bytes_, frame)) {
            char buffer[64 * 1024];
            pollfd poll_one{raw.socket(), POLLIN, 0};
            if (::poll(&poll_one, 1, 10'000) <= 0) {
                ADD_FAILURE() << "nothing arrived within ten seconds";
                return {};
            }
            const ssize_t got = ::recv(raw.socket(), buffer, sizeof(buffer), 0);
            if (got <= 0) return {};
            bytes_.append(buffer, static_cast<std::size_t>(got));
        }
        return frame;
    }
    std::string read_text() { return read().payload; }
    // The code of the Close that comes next, and that nothing follows it.
    int read_close() {
        const ServerFrame frame = read();
        if (frame.first != 0x88 || frame.payload.size() < 2) return -frame.first;
        reason = frame.payload.substr(2);
        return static_cast<std::uint8_t>(frame.payload[0]) << 8 |
               static_cast<std::uint8_t>(frame.payload[1]);
    }

    RawClient raw;
    std::string head;
    std::string reason;

  private:
    std::string bytes_;
};

TEST(WebSocket, FramesHaveTheShortestHead) {
    const auto head_of = [](std::size_t size) {
        Bytes frame = *binary_frame(Bytes(size, 7));
        frame.resize(frame.size() - size);
        return frame;
    };
    EXPECT_EQ(head_of(0), (Bytes{0x82, 0}));
    EXPECT_EQ(head_of(125), (Bytes{0x82, 125}));
    EXPECT_EQ(head_of(126), (Bytes{0x82, 126, 0, 126}));
    EXPECT_EQ(head_of(65'535), (Bytes{0x82, 126, 0xff, 0xff}));
    EXPECT_EQ(head_of(65'536), (Bytes{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST(WebSocket, AnswersTheHandshake) {
    Server server;
    Client client(server);
    EXPECT_EQ(status_of(client.head), 101);
    // The example of RFC 6455, section 1.3.
    EXPECT_NE(client.head.find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
              std::string::npos);
    EXPECT_NE(client.head.find("\r\nUpgrade: websocket\r\n"), std::string::npos);
    EXPECT_NE(client.head.find("\r\nConnection: Upgrade\r\n"), std::string::npos);
    EXPECT_NE(client.head.find("\r\nX-Extra: yes\r\n"), std::string::npos);
    EXPECT_EQ(client.head.find("Content-Length"), std::string::npos);
}

TEST(WebSocket, RefusesOtherRequests) {
    Server server;
    const auto answer = [&](std::string_view from, std::string_view to) {
        std::string request(websocket_request);
        request.replace(request.find(from), from.size(), to);
        RawClient client(server.server->port());
        client.send(request);
        return status_of(client.read_answer());
    };
    EXPECT_EQ(answer("Upgrade: WebSocket\r\n", ""), 426);
    EXPECT_EQ(answer("Connection: keep-alive, Upgrade\r\n", ""), 426);
    EXPECT_EQ(answer("Version: 13", "Version: 8"), 426);
    EXPECT_EQ(answer("GET ", "POST "), 400);
    EXPECT_EQ(answer("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), 400);
    EXPECT_EQ(answer("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400);
    EXPECT_FALSE(server.script().is_open);
}

TEST(WebSocket, SendsFramesInOrder) {
    Server server;
    Client client(server);
    std::string expected;
    for (int i = 0; i < 1'000; ++i) {
        const std::string text = std::to_string(i) + std::string(static_cast<std::size_t>(i), 'x');
        server.script().add_text(text);
    }
    for (int i = 0; i < 1'000; ++i)
        ASSERT_EQ(client.read_text(),
                  std::to_string(i) + std::string(static_cast<std::size_t>(i), 'x'));
}

TEST(WebSocket, SendsMoreThanTheSocketTakes) {
    Server server;
    Client client(server, 4'096);
    const auto large = binary_frame(Bytes(1'000'000, 'l'));
    std::vector<SharedFrame> frames(40, large);
    server.script().add(frames);
    server.script().add_text("end");
    ASSERT_TRUE(becomes_true([&] { return server.script().is_stalled(); }));
    for (int i = 0; i < 40; ++i)
        ASSERT_EQ(client.read_text().size(), 1'000'000U) << i;
    EXPECT_EQ(client.read_text(), "end");
    EXPECT_TRUE(becomes_true([&] { return !server.script().is_stalled(); }));
    EXPECT_EQ(large.use_count(), 41) << "frames are shared, and let go when they are sent";
}

TEST(WebSocket, PingsAreAnsweredBetweenFrames) {
    Server server;
    Client client(server);
    client.send(0x89, "one");
    ServerFrame frame = client.read();
    EXPECT_EQ(frame.first, 0x8a);
    EXPECT_EQ(frame.payload, "one");
    client.send(0x81, "what a client says is not looked at");
    client.send(0x89, "");
    EXPECT_EQ(client.read().first, 0x8a);
    server.script().add_text("and the stream goes on");
    EXPECT_EQ(client.read_text(), "and the stream goes on");
}

TEST(WebSocket, AsksSilentPeersAndLetsThemGo) {
    ServerLimits limits;
    limits.websocket_ping_ms = 100;
    limits.websocket_silence_ms = 1'000;
    Server server(limits);
    Client client(server);
    const std::int64_t start_us = monotonic_us();
    // As long as it answers, it stays.
    while (monotonic_us() - start_us < 2'000'000) {
        const ServerFrame frame = client.read();
        ASSERT_EQ(frame.first, 0x89);
        client.send(0x8a, frame.payload);
    }
    int pings = 0;
    while (client.read().first == 0x89)
        ++pings;
    EXPECT_GT(pings, 2);
    EXPECT_TRUE(becomes_true([&] { return server.script().has_ended.load(); }));
}

TEST(WebSocket, LetsAPeerGoThatTakesNothing) {
    ServerLimits limits;
    limits.write_stall_ms = 200;
    Server server(limits);
    Client client(server, 4'096);
    server.script().add(std::vector<SharedFrame>(40, binary_frame(Bytes(1'000'000, 'l'))));
    EXPECT_TRUE(becomes_true([&] { return server.script().has_ended.load(); }));
}

TEST(WebSocket, RepliesToAClose) {
    Server server;
    Client client(server);
    client.send(0x88, std::string("\x03\xe9", 2) + "leaving");
    EXPECT_EQ(client.read_close(), 1001);
    EXPECT_EQ(client.read().first, 0);
    EXPECT_TRUE(becomes_true([&] { return server.script().has_ended.load(); }));
}

TEST(WebSocket, ClosesInOrder) {
    Server server;
    Client client(server);
    server.script().add_text("before");
    EXPECT_EQ(client.read_text(), "before");
    server.script().close(CloseCode::policy, "why", binary_frame(as_bytes("the last")));
    EXPECT_EQ(client.read_text(), "the last");
    EXPECT_EQ(client.read_close(), 1008);
    EXPECT_EQ(client.reason, "why");
    client.send(0x88, "\x03\xf0");
    EXPECT_EQ(client.read().first, 0);
    EXPECT_TRUE(becomes_true([&] { return server.script().has_ended.load(); }));
}

TEST(WebSocket, ACloseOvertakesWhatHasNotBegun) {
    Server server;
    Client client(server, 4'096);
    server.script().add(std::vector<SharedFrame>(40, binary_frame(Bytes(1'000'000, 'l'))));
    ASSERT_TRUE(becomes_true([&] { return server.script().is_stalled(); }));
    server.script().close(CloseCode::policy, "", binary_frame(as_bytes("the last")));
    int whole = 0;
    ServerFrame frame = client.read();
    for (; frame.payload.size() == 1'000'000; frame = client.read())
        ++whole;
    EXPECT_EQ(frame.payload, "the last");
    EXPECT_GE(whole, 1);
    EXPECT_LT(whole, 30);
    EXPECT_EQ(client.read_close(), 1008);
}

TEST(WebSocket, ClosesOnWhatTheProtocolForbids) {
    const auto code_for = [](std::string_view bytes) {
        Server server;
        Client client(server);
        client.raw.send(bytes);
        const int code = client.read_close();
        EXPECT_EQ(client.read().first, 0) << "the connection ends";
        EXPECT_TRUE(becomes_true([&] { return server.script().has_ended.load(); }));
        return code;
    };
    EXPECT_EQ(code_for(std::string("\x82\x05hello", 7)), 1002) << "not masked";
    EXPECT_EQ(code_for(client_frame(0x82, std::string(64 * 1024 + 1, 'x'))), 1009);
    std::string endless = client_frame(0x02, "");
    for (int i = 0; i < 200; ++i)
        endless += client_frame(0x00, "");
    EXPECT_EQ(code_for(endless), 1009);
    std::string flood;
    for (int i = 0; i < 2'000; ++i)
        flood += client_frame(0x8a, "x");
    EXPECT_EQ(code_for(flood), 1008);
}

TEST(WebSocket, AFailingFeedClosesTheSocket) {
    Server server;
    Client client(server);
    ASSERT_TRUE(becomes_true([&] { return server.script().asked > 0; }));
    server.script().fails = true;
    server.script().add_text("never sent");
    EXPECT_EQ(client.read_close(), 1011);
}

TEST(WebSocket, SaysGoodbyeWhenTheServerStops) {
    Server server;
    Client client(server);
    ASSERT_TRUE(becomes_true([&] { return server.script().asked > 0; }));
    std::thread stop([&] { server.server->stop(5'000); });
    EXPECT_EQ(client.read_close(), 1001);
    client.send(0x88, "\x03\xe9");
    EXPECT_EQ(client.read().first, 0);
    stop.join();
    EXPECT_TRUE(server.script().has_ended);
}

TEST(WebSocket, AStoppingServerDoesNotWaitForThoseWhoDoNotAnswer) {
    Server server;
    Client client(server);
    Client stalled(server, 4'096);
    ASSERT_TRUE(becomes_true([&] { return server.script().asked > 0; }));
    const std::int64_t start_us = monotonic_us();
    server.server->stop(2'500);
    EXPECT_LT(monotonic_us() - start_us, 2'400'000);
    EXPECT_EQ(client.read_close(), 1001);
}

TEST(WebSocket, SurvivesPeersThatVanish) {
    Server server;
    for (int i = 0; i < 20; ++i) {
        auto script = std::make_shared<Script>();
        server.handler.script = script;
        {
            Client client(server, 4'096);
            script->add(std::vector<SharedFrame>(3, binary_frame(Bytes(1'000'000, 'l'))));
            if (i % 2 == 0) client.read();
        }
        EXPECT_TRUE(becomes_true([&] { return script->has_ended.load(); })) << i;
    }
}

TEST(WebSocket, SpeaksTls) {
    const TestCertificate certificate("DNS:localhost");
    Server server({}, certificate.files());
    auto context = TlsContext::for_client(certificate.files().certificate_chain);
    ASSERT_TRUE(context.has_value());
    RawClient raw(server.server->port(), 16'384);
    TlsSession session = TlsSession::connect(*context, raw.socket(), "localhost");
    std::string bytes;
    const auto read_more = [&] {
        char buffer[16 * 1024];
        const IoResult got = session.read(buffer, sizeof(buffer));
        if (got.status == IoStatus::done) bytes.append(buffer, got.size);
        return got.status == IoStatus::done;
    };
    ASSERT_EQ(session.handshake().status, IoStatus::done);
    ASSERT_EQ(session.write(websocket_request.data(), websocket_request.size()).status,
              IoStatus::done);
    while (bytes.find("\r\n\r\n") == std::string::npos)
        ASSERT_TRUE(read_more());
    bytes.erase(0, bytes.find("\r\n\r\n") + 4);
    std::vector<SharedFrame> frames;
    for (int i = 0; i < 200; ++i)
        frames.push_back(binary_frame(Bytes(static_cast<std::size_t>(i) * 500, 'l')));
    server.script().add(frames);
    const std::string ping = client_frame(0x89, "ping");
    ASSERT_EQ(session.write(ping.data(), ping.size()).status, IoStatus::done);
    std::size_t next = 0;
    bool has_pong = false;
    while (next < frames.size() || !has_pong) {
        ServerFrame frame;
        while (!take_server_frame(bytes, frame))
            ASSERT_TRUE(read_more());
        if (frame.first == 0x8a)
            has_pong = frame.payload == "ping";
        else
            ASSERT_EQ(frame.payload.size(), 500 * next++);
    }
}

}  // namespace
}  // namespace roost::net
