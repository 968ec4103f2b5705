#include "net/http_client.h"

#include <array>

#include "net/limits.h"
#include "net/test_server.h"

namespace roost::net {
namespace {

// Answers each connection with prepared bytes, once it has seen the end of a head.
class ScriptedServer {
  public:
    explicit ScriptedServer(std::vector<std::string> answers, bool stays_open = false)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(socket_, 16), 0);
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, answers = std::move(answers), stays_open] {
            std::vector<int> open;
            for (const std::string& answer : answers) {
                const int peer = ::accept(socket_, nullptr, nullptr);
                if (peer < 0) break;
                ++accepted;
                serve(peer, answer);
                stays_open ? open.push_back(peer) : static_cast<void>(::close(peer));
            }
            while (stays_open && !is_over_)
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            for (const int peer : open)
                ::close(peer);
        });
    }
    ~ScriptedServer() {
        is_over_ = true;
        ::shutdown(socket_, SHUT_RDWR);
        thread_.join();
        ::close(socket_);
    }
    std::string url(std::string_view path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
    }
    std::atomic<int> accepted = 0;
    std::string last_request;

  private:
    void serve(int peer, const std::string& answer) {
        last_request.clear();
        char buffer[4096];
        while (last_request.find("\r\n\r\n") == std::string::npos) {
            const ssize_t got = ::recv(peer, buffer, sizeof(buffer), 0);
            if (got <= 0) return;
            last_request.append(buffer, static_cast<std::size_t>(got));
        }
        ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    int socket_;
    std::uint16_t port_ = 0;
    std::atomic<bool> is_over_ = false;
    std::thread thread_;
};

class HttpClientTest : public testing::Test {
  protected:
    HttpClientTest() : client(HttpClient::make({})) {}
    ~HttpClientTest() override { server.server->stop(1'000); }

    static ClientRequest to(std::string url) {
        ClientRequest request;
        request.url = std::move(url);
        request.policy = AddressPolicy::configured;
        return request;
    }
    std::string url(std::string_view path) const {
        return "http://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
    }
    Result<ClientResponse> send(ClientRequest request) {
        return run_on(*server.server->executors().front(), client->send(std::move(request)));
    }
    Result<ClientResponse> fetch_scripted(std::string answer) {
        const ScriptedServer other({std::move(answer)});
        return send(to(other.url()));
    }

    TestServer server;
    std::unique_ptr<HttpClient> client;
};

TEST_F(HttpClientTest, FetchesAndReusesItsConnection) {
    for (int i = 0; i < 5; ++i) {
        const auto answer = send(to(url("/a?b=c")));
        ASSERT_TRUE(answer.has_value()) << answer.error().message;
        EXPECT_EQ(answer->status, 200);
        EXPECT_EQ(answer->body, "GET /a?b=c");
        EXPECT_EQ(answer->header("content-type"), "text/plain");
        EXPECT_EQ(answer->header("absent"), "");
    }
    EXPECT_EQ(server.server->stats().connections_open, 1);
    EXPECT_EQ(send(to("http://localhost:" + std::to_string(server.port()) + "/x"))->body, "GET /x");
}

TEST_F(HttpClientTest, SendsBodiesAndMethods) {
    ClientRequest post = to(url("/echo"));
    post.method = Method::post;
    post.body.assign(90'000, 'y');
    post.content_type = "text/plain";
    post.response_bytes_max = 90'000;
    const auto echoed = send(std::move(post));
    ASSERT_TRUE(echoed.has_value()) << echoed.error().message;
    EXPECT_EQ(echoed->body, std::string(90'000, 'y'));
    ClientRequest head = to(url("/x"));
    head.method = Method::head;
    EXPECT_EQ(send(std::move(head))->header("content-length"), "7");
    EXPECT_EQ(send(to(url("/stream")))->body, "piece 3\npiece 2\npiece 1\n");
    EXPECT_EQ(send(to(url("/no-content")))->status, 204);
    EXPECT_EQ(server.server->stats().connections_open, 1);
}

// So many bytes, in pieces.
class TestSource final : public BodySource {
  public:
    explicit TestSource(std::size_t size) : left_(size) {}
    Task<Result<std::string_view>> next() override {
        const std::string_view piece = std::string_view(piece_).substr(0, left_);
        left_ -= piece.size();
        co_return piece;
    }

  private:
    std::string piece_ = std::string(7'000, 's');
    std::size_t left_;
};

TEST_F(HttpClientTest, SendsWhatIsStreamed) {
    ClientRequest post = to(url("/echo"));
    post.method = Method::post;
    post.source = std::make_shared<TestSource>(60'000);
    post.source_size = 60'000;
    const auto answer = send(post);
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->body, std::string(60'000, 's'));
    // Less than was announced is nothing.
    post.source = std::make_shared<TestSource>(59'999);
    EXPECT_FALSE(send(post).has_value());
    // If nothing comes, nobody is asked.
    const std::int64_t requests = server.server->stats().requests_total;
    post.source = std::make_shared<TestSource>(0);
    const auto nothing = send(post);
    ASSERT_FALSE(nothing.has_value());
    EXPECT_FALSE(was_sent(nothing.error()));
    EXPECT_EQ(server.server->stats().requests_total, requests);
}

// Takes its time before each piece.
class SlowSource final : public BodySource {
  public:
    Task<Result<std::string_view>> next() override {
        co_await sleep_ms(150);
        co_return left_-- > 0 ? std::string_view("slow ") : std::string_view();
    }

  private:
    int left_ = 3;
};

TEST_F(HttpClientTest, SendsInChunksWhatHasNoKnownSize) {
    ClientRequest post = to(url("/echo"));
    post.method = Method::post;
    for (const std::size_t size : {0, 1, 60'000}) {
        post.source = std::make_shared<TestSource>(size);
        const auto answer = send(post);
        ASSERT_TRUE(answer.has_value()) << answer.error().message;
        EXPECT_EQ(answer->body, std::string(size, 's'));
    }
    EXPECT_EQ(server.server->stats().connections_open, 1);
}

Task<Result<std::string>> read_all(HttpClient& client, ClientRequest request, int& pieces) {
    const auto stream = CO_TRY(co_await client.open(std::move(request)));
    EXPECT_EQ(stream->head().status, 200);
    EXPECT_EQ(stream->head().body, "");
    std::string all;
    while (true) {
        const std::string_view piece = CO_TRY(co_await stream->next());
        if (piece.empty()) co_return all;
        all += piece;
        ++pieces;
    }
}

TEST_F(HttpClientTest, StreamsAnswers) {
    Executor& loop = *server.server->executors().front();
    for (const auto& [path, expected] :
         {std::pair{"/large", std::string(8 * 1024 * 1024, 'x')},
          std::pair{"/stream", std::string("piece 3\npiece 2\npiece 1\n")},
          std::pair{"/sized-stream", std::string("piece 3\npiece 2\npiece 1\n")},
          std::pair{"/small", std::string("GET /small")}}) {
        int pieces = 0;
        const auto body = run_on(loop, read_all(*client, to(url(path)), pieces));
        ASSERT_TRUE(body.has_value()) << path << ": " << body.error().message;
        EXPECT_EQ(*body, expected) << path;
        EXPECT_GE(pieces, path == std::string_view("/large") ? 100 : 1) << path;
    }
    EXPECT_EQ(server.server->stats().connections_open, 1);
    int pieces = 0;
    EXPECT_FALSE(run_on(loop, read_all(*client, to(url("/short-stream")), pieces)).has_value());
}

TEST_F(HttpClientTest, ASlowSourceIsNotTheOtherSidesFault) {
    Executor& loop = *server.server->executors().front();
    ClientRequest post = to(url("/echo"));
    post.method = Method::post;
    post.timeout_ms = 300;  // less than the source takes
    post.source = std::make_shared<SlowSource>();
    int pieces = 0;
    const auto body = run_on(loop, read_all(*client, post, pieces));
    ASSERT_TRUE(body.has_value()) << body.error().message;
    EXPECT_EQ(*body, "slow slow slow ");
}

TEST_F(HttpClientTest, BoundsTheAnswer) {
    const auto large = send(to(url("/large")));
    ASSERT_FALSE(large.has_value());
    EXPECT_EQ(large.error().fault, Fault::upstream_failed);
    EXPECT_EQ(large.error().message, "The answer is too large.");
    EXPECT_TRUE(was_sent(large.error()));
    ClientRequest exact = to(url("/large"));
    exact.response_bytes_max = 8 * 1024 * 1024;
    EXPECT_EQ(send(std::move(exact))->body.size(), 8u * 1024 * 1024);
    const std::string chunks = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
    EXPECT_EQ(fetch_scripted("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks +
                             chunks + chunks + chunks + chunks + "0\r\n\r\n")
                  .error()
                  .message,
              "The answer is too large.");
    EXPECT_EQ(fetch_scripted("HTTP/1.1 200 OK\r\n\r\n" + std::string(70'000, 'x')).error().message,
              "The answer is too large.");
    EXPECT_EQ(fetch_scripted("HTTP/1.1 200 OK\r\nA: " + std::string(40'000, 'x') + "\r\n\r\n")
                  .error()
                  .message,
              "The answer is malformed.");
}

TEST_F(HttpClientTest, BoundsTheTime) {
    const ScriptedServer silent({""}, true);
    ClientRequest request = to(silent.url());
    request.timeout_ms = 200;
    const std::int64_t start_us = monotonic_us();
    const auto late = send(std::move(request));
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().fault, Fault::upstream_timeout);
    EXPECT_TRUE(was_sent(late.error()));
    EXPECT_GE(monotonic_us() - start_us, 200'000);
    EXPECT_LT(monotonic_us() - start_us, 5'000'000);
}

TEST_F(HttpClientTest, ReadsAnswersAsTheyAre) {
    const auto redirect =
        fetch_scripted("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(redirect.has_value());
    EXPECT_EQ(redirect->status, 302);
    EXPECT_EQ(redirect->header("location"), "/x");
    EXPECT_EQ(fetch_scripted("HTTP/1.1 200 OK\r\n\r\nuntil the end")->body, "until the end");
    EXPECT_EQ(fetch_scripted(
                  "HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
                  ->body,
              "x");
    for (const char* bad :
         {"", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"}) {
        const auto answer = fetch_scripted(bad);
        ASSERT_FALSE(answer.has_value()) << bad;
        EXPECT_EQ(answer.error().fault, Fault::upstream_failed);
    }
    EXPECT_EQ(send(to(url("/gzip"))).error().message,
              "The answer is compressed without being asked.");
}

// A connection that died while it was idle is noticed; one that dies under the request is replaced
// once, if repeating the request does no harm.
TEST_F(HttpClientTest, ReplacesADeadConnection) {
    const std::string one = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
    {
        const ScriptedServer closing({one, one, one});
        for (int i = 0; i < 3; ++i)
            EXPECT_EQ(send(to(closing.url()))->body, "one");
        EXPECT_EQ(closing.accepted, 3);
    }
    ServerLimits limits;
    TestServer other(limits);
    EXPECT_TRUE(send(to("http://127.0.0.1:" + std::to_string(other.port()) + "/x")).has_value());
    other.server->stop(100);
    const auto gone = send(to("http://127.0.0.1:" + std::to_string(other.port()) + "/x"));
    ASSERT_FALSE(gone.has_value());
    EXPECT_FALSE(was_sent(gone.error()));
}

TEST_F(HttpClientTest, GuardsAgainstPrivateAddresses) {
    const auto refusal = [&](const std::string& url) {
        ClientRequest request;
        request.url = url;
        const auto answer = send(std::move(request));
        EXPECT_FALSE(answer.has_value()) << url;
        EXPECT_EQ(answer.error().fault, Fault::upstream_failed) << url;
        EXPECT_FALSE(was_sent(answer.error())) << url;
        return answer.error().message;
    };
    const std::string shape = "The URL must be https, with a host name and no other port.";
    EXPECT_EQ(refusal(url("/")), shape);
    EXPECT_EQ(refusal("http://example.com/"), shape);
    EXPECT_EQ(refusal("https://example.com:8443/"), shape);
    EXPECT_EQ(refusal("https://8.8.8.8/"), shape);
    EXPECT_EQ(refusal("https://[2606:4700:4700::1111]/"), shape);
    EXPECT_EQ(refusal("https://localhost/"), "localhost has no public address.");
    EXPECT_EQ(refusal("file:///etc/passwd"), "The URL is malformed.");
    EXPECT_EQ(refusal("https://user@example.com/"), "The URL is malformed.");
    EXPECT_EQ(server.handler.handled, 0);
}

TEST_F(HttpClientTest, AllowsThemInDevMode) {
    client = HttpClient::make({.nameservers = {}, .private_addresses = PrivateAddresses::allowed});
    ClientRequest request;
    request.url = url("/dev");
    EXPECT_EQ(send(std::move(request))->body, "GET /dev");
}

// A name server with one TXT record of two strings and one of one, and an A record.
class NameServer {
  public:
    NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
        name = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        thread_ = std::thread([this] { serve(); });
    }
    ~NameServer() {
        is_over_ = true;
        thread_.join();
        ::close(socket_);
    }
    std::string name;

  private:
    static std::string record(int type, const std::string& data) {
        std::string bytes("\xc0\x0c\0\0\0\x01\0\0\0\x3c\0\0", 12);
        bytes[3] = static_cast<char>(type);
        bytes[11] = static_cast<char>(data.size());
        return bytes + data;
    }
    void serve() {
        while (!is_over_) {
            pollfd one{socket_, POLLIN, 0};
            if (::poll(&one, 1, 20) <= 0) continue;
            std::array<char, 512> query{};
            sockaddr_in from{};
            socklen_t from_size = sizeof(from);
            const ssize_t size = ::recvfrom(socket_, query.data(), query.size(), 0,
                                            reinterpret_cast<sockaddr*>(&from), &from_size);
            if (size < 17) continue;
            const std::string answer = answer_to({query.data(), static_cast<std::size_t>(size)});
            if (!answer.empty())
                ::sendto(socket_, answer.data(), answer.size(), 0,
                         reinterpret_cast<sockaddr*>(&from), from_size);
        }
    }
    static std::string answer_to(const std::string& query) {
        const std::size_t name_end = query.find('\0', 12);
        const std::string question = query.substr(12, name_end + 5 - 12);
        const int type = query[name_end + 2];
        const std::string records[] = {record(16,
                                              "\x04"
                                              "did="
                                              "\x07"
                                              "did:web"),
                                       record(16,
                                              "\x05"
                                              "other")};
        if (question.find("silent") != std::string::npos) return {};
        std::string head = query.substr(0, 2) + std::string("\x85\x80\0\x01\0\0\0\0\0\0", 10);
        if (question.find("absent") != std::string::npos) head[3] = '\x83';
        if (question.find("broken") != std::string::npos) head[3] = '\x82';
        if (question.find("present") == std::string::npos) return head + question;
        if (type == 16) {
            head[7] = 2;
            return head + question + records[0] + records[1];
        }
        if (type != 1) return head + question;
        head[7] = 1;
        return head + question + record(1, "\x7f" + std::string("\0\0\x01", 3));
    }
    int socket_;
    std::atomic<bool> is_over_ = false;
    std::thread thread_;
};

TEST_F(HttpClientTest, AsksBackupNameServersByAddressAndByName) {
    const NameServer first;
    const NameServer backup;
    const auto texts = [&](std::vector<std::string> servers, std::string name) {
        client = HttpClient::make(
            {.nameservers = {first.name}, .backup_nameservers = std::move(servers)});
        return run_on(*server.server->executors().front(),
                      client->resolve_txt_by_backup(std::move(name), 1'000));
    };
    const std::vector<std::string> found{"did=did:web", "other"};
    EXPECT_EQ(texts({backup.name}, "_atproto.present.test").value(), found);
    EXPECT_EQ(texts({backup.name}, "absent.test").value(), std::vector<std::string>());
    // The other one has no address, and is passed over.
    EXPECT_EQ(texts({"absent.test", backup.name}, "_atproto.present.test").value(), found);
    EXPECT_EQ(texts({"absent.test"}, "_atproto.present.test").error().fault,
              Fault::upstream_failed);
}

TEST_F(HttpClientTest, ResolvesNames) {
    const NameServer name_server;
    client = HttpClient::make({.nameservers = {name_server.name}});
    const auto texts = [&](std::string name, int timeout_ms) {
        return run_on(*server.server->executors().front(),
                      client->resolve_txt(std::move(name), timeout_ms));
    };
    const auto texts_by_backup = [&](std::string name, int timeout_ms) {
        return run_on(*server.server->executors().front(),
                      client->resolve_txt_by_backup(std::move(name), timeout_ms));
    };
    EXPECT_EQ(texts("_atproto.present.test", 5'000).value(),
              (std::vector<std::string>{"did=did:web", "other"}));
    EXPECT_EQ(texts("absent.test", 5'000).value(), std::vector<std::string>());
    EXPECT_EQ(texts("empty.test", 5'000).value(), std::vector<std::string>());
    EXPECT_EQ(texts("broken.test", 5'000).error().fault, Fault::upstream_failed);
    EXPECT_EQ(texts("silent.test", 300).error().fault, Fault::upstream_timeout);
    EXPECT_EQ(texts_by_backup("_atproto.present.test", 5'000).value(), std::vector<std::string>())
        << "there is no backup";

    // By name, to the address that was resolved; and not if that address is private.
    const std::string port = std::to_string(server.port());
    EXPECT_EQ(send(to("http://present.test:" + port + "/x"))->body, "GET /x");
    EXPECT_EQ(send(to("http://absent.test:" + port + "/x")).error().fault, Fault::upstream_failed);
    ClientRequest guarded;
    guarded.url = "https://present.test/";
    EXPECT_EQ(send(std::move(guarded)).error().message, "present.test has no public address.");
}

TEST_F(HttpClientTest, ServesManyAtOnce) {
    std::atomic<int> good = 0;
    std::atomic<int> done = 0;
    struct Fetch {
        static Task<void> run(HttpClient& client, std::string url, std::atomic<int>& good,
                              std::atomic<int>& done) {
            ClientRequest request;
            request.url = std::move(url);
            request.policy = AddressPolicy::configured;
            const auto answer = co_await client.send(std::move(request));
            if (answer && answer->body == "piece 3\npiece 2\npiece 1\n") ++good;
            ++done;
        }
    };
    server.server->executors().front()->post([&] {
        for (int i = 0; i < 200; ++i)
            start_detached(Fetch::run(*client, url("/stream"), good, done));
    });
    EXPECT_TRUE(becomes_true([&] { return done == 200; }));
    EXPECT_EQ(good, 200);
    EXPECT_TRUE(becomes_true([&] {
        return server.server->stats().connections_open ==
               static_cast<std::int64_t>(client_idle_per_host_max);
    }));
}

}  // namespace
}  // namespace roost::net
