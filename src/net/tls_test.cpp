#include "net/tls.h"

#include <openssl/ssl.h>

#include "net/client_internal.h"
#include "net/test_certificate.h"
#include "net/test_server.h"

namespace roost::net {
namespace {

// A blocking TLS client of OpenSSL's own making.
struct TlsClient {
    explicit TlsClient(std::uint16_t port, int version_max = 0)
        : context(SSL_CTX_new(TLS_client_method())), raw(port), ssl(SSL_new(context)) {
        SSL_set_max_proto_version(ssl, version_max);
        SSL_set_security_level(ssl, 0);
        SSL_set_fd(ssl, raw.socket());
        SSL_set_tlsext_host_name(ssl, "localhost");
        is_connected = SSL_connect(ssl) == 1;
    }
    ~TlsClient() {
        SSL_free(ssl);
        SSL_CTX_free(context);
    }
    std::string exchange(std::string_view request) {
        EXPECT_EQ(SSL_write(ssl, request.data(), static_cast<int>(request.size())),
                  static_cast<int>(request.size()));
        std::string answer;
        char buffer[16 * 1024];
        int got = 0;
        while ((got = SSL_read(ssl, buffer, sizeof(buffer))) > 0)
            answer.append(buffer, static_cast<std::size_t>(got));
        ended_in_order = SSL_get_error(ssl, got) == SSL_ERROR_ZERO_RETURN;
        return answer;
    }
    SSL_CTX* context;
    RawClient raw;
    SSL* ssl;
    bool is_connected = false;
    bool ended_in_order = false;
};

TEST(Tls, ServesRequests) {
    const TestCertificate certificate("DNS:localhost");
    TestServer server({}, certificate.files());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(server.port(), version);
        ASSERT_TRUE(client.is_connected);
        EXPECT_EQ(SSL_version(client.ssl), version);
        const std::string answers = client.exchange(
            "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
            "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(count_answers(answers), 3);
        EXPECT_NE(answers.find("X-Tls: yes\r\n"), std::string::npos);
        EXPECT_TRUE(answers.ends_with(std::string(8 * 1024 * 1024, 'x')));
        EXPECT_TRUE(client.ended_in_order);
        TlsClient other(server.port(), version);
        const std::string streamed =
            other.exchange("GET /large-stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        EXPECT_TRUE(streamed.ends_with(
            "\r\n186a0\r\n" + std::string(LargePieces::piece_bytes, 'z') + "\r\n0\r\n\r\n"));
        TlsClient third(server.port(), version);
        const std::string file =
            third.exchange("GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(body_of(file).size(), FilePieces::size);
        EXPECT_TRUE(file.ends_with(std::string(LargePieces::piece_bytes, 'z')));
    }
}

TEST(Tls, TakesALargeBody) {
    const TestCertificate certificate("DNS:localhost");
    TestServer server({}, certificate.files());
    TlsClient client(server.port());
    ASSERT_TRUE(client.is_connected);
    const std::string body(1'000'000, 'x');
    const std::string answer = client.exchange(
        "POST /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        "Content-Length: 1000000\r\n\r\n" +
        body);
    EXPECT_EQ(body_of(answer), "1000000");
}

TEST(Tls, RefusesOldVersionsAndPlainHttp) {
    const TestCertificate certificate("DNS:localhost");
    TestServer server({}, certificate.files());
    EXPECT_FALSE(TlsClient(server.port(), TLS1_1_VERSION).is_connected);
    RawClient plain(server.port());
    plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(plain.read_to_end().find("HTTP/1.1"), std::string::npos);
    EXPECT_EQ(server.handler.handled, 0);
}

TEST(Tls, BoundsTheTimeOfAHandshake) {
    const TestCertificate certificate("DNS:localhost");
    ServerLimits limits;
    limits.header_ms = 200;
    TestServer server(limits, certificate.files());
    EXPECT_TRUE(RawClient(server.port()).is_closed());
}

TEST(Tls, SaysWhatIsWrongWithFiles) {
    const TestCertificate certificate("DNS:localhost");
    const TestCertificate other("DNS:localhost");
    const auto message = [](const TlsFiles& files) {
        OddHandler handler;
        ServerOptions options;
        options.tls = files;
        const auto server = HttpServer::listen(options, handler);
        return server ? std::string() : server.error().message;
    };
    const TlsFiles good = certificate.files();
    EXPECT_EQ(message(good), "");
    EXPECT_EQ(message({"/nowhere/chain.pem", good.private_key}),
              "The TLS certificate chain /nowhere/chain.pem: cannot be read.");
    EXPECT_EQ(message({good.certificate_chain, "/nowhere/key.pem"}),
              "The TLS private key /nowhere/key.pem: cannot be read.");
    EXPECT_EQ(message({good.private_key, good.private_key}),
              "The TLS certificate chain " + good.private_key + ": no start line.");
    EXPECT_EQ(message({good.certificate_chain, other.files().private_key}),
              "The TLS private key " + other.files().private_key + ": key values mismatch.");
}

Result<ClientResponse> fetch(TestServer& server, HttpClient& client, const std::string& url) {
    ClientRequest request;
    request.url = url;
    request.policy = AddressPolicy::configured;
    return run_on(*server.server->executors().front(), client.send(std::move(request)));
}

TEST(TlsClientSide, VerifiesTheHost) {
    const TestCertificate certificate("DNS:localhost,IP:127.0.0.1");
    const TestCertificate stranger("DNS:localhost");
    TestServer server({}, certificate.files());
    const std::string port = std::to_string(server.port());
    {
        const auto client = make_client({}, certificate.files().certificate_chain);
        const auto by_name = fetch(server, *client, "https://localhost:" + port + "/x");
        ASSERT_TRUE(by_name.has_value()) << by_name.error().message;
        EXPECT_EQ(by_name->body, "GET /x");
        EXPECT_EQ(by_name->header("x-tls"), "yes");
        EXPECT_TRUE(fetch(server, *client, "https://127.0.0.1:" + port + "/x").has_value());
        EXPECT_EQ(server.server->stats().connections_open, 2);
        EXPECT_TRUE(fetch(server, *client, "https://localhost:" + port + "/large").has_value() ==
                    false);  // larger than the bound
        const auto wrong_name = fetch(server, *client, "https://127.0.0.2:" + port + "/x");
        ASSERT_FALSE(wrong_name.has_value());
        server.server->stop(1'000);
    }
    TestServer other({}, certificate.files());
    const auto client = make_client({}, stranger.files().certificate_chain);
    const auto refused =
        fetch(other, *client, "https://localhost:" + std::to_string(other.port()) + "/");
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, Fault::upstream_failed);
    EXPECT_FALSE(was_sent(refused.error()));
    EXPECT_NE(refused.error().message.find("self-signed certificate"), std::string::npos)
        << refused.error().message;
    EXPECT_EQ(other.handler.handled, 0);
    other.server->stop(1'000);
}

TEST(TlsClientSide, RefusesAnotherName) {
    const TestCertificate certificate("DNS:example.org");
    TestServer server({}, certificate.files());
    const auto client = make_client({}, certificate.files().certificate_chain);
    const auto refused =
        fetch(server, *client, "https://localhost:" + std::to_string(server.port()) + "/");
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("ostname mismatch"), std::string::npos)
        << refused.error().message;
    server.server->stop(1'000);
}

}  // namespace
}  // namespace roost::net
