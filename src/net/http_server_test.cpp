// What goes over the wire: framing, refusals, bodies of requests.
#include "net/http_server.h"

#include <zlib.h>

#include "net/test_server.h"

namespace roost::net {
namespace {

std::string repeat(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
        all += text;
    return all;
}

std::string compress(std::string_view text, int window_bits) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return out;
}
std::string gzip(std::string_view text) {
    return compress(text, 31);
}

std::string post(std::string_view path, std::string_view headers, std::string_view body) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
    TestServer server;
    RawClient client(server.port());
    for (int i = 0; i < 3; ++i) {
        client.send("GET /hello?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        const std::string answer = client.read_answer();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: "));
        EXPECT_EQ(body_of(answer), "GET /hello?x=1");
        EXPECT_NE(answer.find("\r\nX-Peer: 127.0.0.1\r\n"), std::string::npos);
        EXPECT_NE(answer.find("\r\nX-Tls: no\r\n"), std::string::npos);
        EXPECT_EQ(answer.find("\r\nConnection:"), std::string::npos);
        EXPECT_EQ(answer.find("\r\nServer:"), std::string::npos);
    }
    EXPECT_EQ(server.server->stats().connections_open, 1);
    EXPECT_EQ(server.server->stats().requests_total, 3);
    client.close();
    EXPECT_TRUE(becomes_true([&] { return server.server->stats().connections_open == 0; }));
}

TEST(HttpServer, TakesAHeadInPieces) {
    TestServer server;
    RawClient client(server.port());
    for (const char c :
         std::string_view("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"))
        ASSERT_TRUE(client.send({&c, 1}));
    EXPECT_EQ(body_of(client.read_answer()), "abc");
    client.send("\r\nGET /after HTTP/1.1\r\nHost: a\r\n\r\n");  // one empty line is forgiven
    EXPECT_EQ(body_of(client.read_answer()), "GET /after");
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
    TestServer server;
    RawClient client(server.port());
    std::string requests;
    for (int i = 0; i < 500; ++i) {
        requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
        requests += post("/echo", "", "body " + std::to_string(i));
        requests +=
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nchunk\r\n4;x=y\r\n " +
            std::to_string(100 + i) + "\r\n0\r\nT: v\r\n\r\n";
    }
    std::thread sender([&] { client.send(requests); });
    for (int i = 0; i < 500; ++i) {
        ASSERT_EQ(body_of(client.read_answer()), "GET /" + std::to_string(i));
        ASSERT_EQ(body_of(client.read_answer()), "body " + std::to_string(i));
        ASSERT_EQ(body_of(client.read_answer()), "chunk " + std::to_string(100 + i));
    }
    sender.join();
}

TEST(HttpServer, UnderstandsHttp10) {
    TestServer server;
    const std::string answer = server.exchange("GET /x HTTP/1.0\r\n\r\nGET /y HTTP/1.0\r\n\r\n");
    EXPECT_EQ(count_answers(answer), 1);
    EXPECT_EQ(body_of(answer), "GET /x");
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);

    RawClient client(server.port());
    client.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(client.read_answer().find("\r\nConnection: keep-alive\r\n"), std::string::npos);
    client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const std::string stream = client.read_to_end();
    EXPECT_EQ(stream.find("Transfer-Encoding"), std::string::npos);
    EXPECT_EQ(body_of(stream), "piece 3\npiece 2\npiece 1\n");
}

TEST(HttpServer, ClosesWhenAskedTo) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_NE(client.read_to_end().find("\r\nConnection: close\r\n"), std::string::npos);
    RawClient other(server.port());
    other.send("GET /close HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = other.read_to_end();
    EXPECT_EQ(count_answers(answer), 1);
    EXPECT_EQ(body_of(answer), "closing");
}

TEST(HttpServer, AnswersHeadAsGetWithoutBody) {
    TestServer server;
    RawClient client(server.port());
    client.send(
        "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /no-content HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const std::string answers = client.read_to_end();
    EXPECT_EQ(count_answers(answers), 3);
    EXPECT_NE(answers.find("Content-Length: 7\r\n"), std::string::npos);  // "HEAD /x"
    EXPECT_NE(answers.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_EQ(answers.find("HEAD /x"), std::string::npos);
    EXPECT_EQ(answers.find("piece"), std::string::npos);
    const std::size_t last = answers.find("HTTP/1.1 204 No Content");
    ASSERT_NE(last, std::string::npos);
    EXPECT_EQ(answers.find("Content-Length", last), std::string::npos);
}

TEST(HttpServer, TurnsAnExceptionInto500) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.read_answer();
    EXPECT_EQ(status_of(std::string_view(answer)), 500);
    EXPECT_EQ(body_of(answer),
              R"({"error":"InternalServerError","message":"Internal Server Error"})");
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "GET /x");
}

struct Refused {
    const char* what;
    std::string bytes;
    int status;
};

class Smuggling : public testing::TestWithParam<Refused> {};

// A request that a proxy might read differently: one refusal, no second answer, and no handler.
TEST_P(Smuggling, IsRefusedOnce) {
    TestServer server;
    const std::string second = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";
    RawClient client(server.port());
    client.send(GetParam().bytes + second);
    const std::string answer = client.read_to_end();
    EXPECT_EQ(status_of(std::string_view(answer)), GetParam().status) << answer;
    EXPECT_EQ(count_answers(answer), 1) << answer;
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_EQ(server.handler.handled, 0);
}

const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
const std::string post_to = "POST /echo HTTP/1.1\r\nHost: a\r\n";

INSTANTIATE_TEST_SUITE_P(
    Rules, Smuggling,
    testing::Values(
        Refused{"bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
        Refused{"bare LF after a header", get + "A: b\n\r\n", 400},
        Refused{"bare LF as the empty line", get + "\n", 400},
        Refused{"bare CR in a value", get + "A: b\rC: d\r\n\r\n", 400},
        Refused{"bare CR in the target", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"CR CR LF", get + "A: b\r\r\n\r\n", 400},
        Refused{"NUL in a value", get + std::string("A: b\0c\r\n\r\n", 10), 400},
        Refused{"control in a value", get + "A: \x01\r\n\r\n", 400},
        Refused{"both CL and TE",
                post_to + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Refused{"both TE and CL",
                post_to + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
        Refused{"CL twice", post_to + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400},
        Refused{"CL twice, the same", post_to + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
                400},
        Refused{"CL list", post_to + "Content-Length: 1, 1\r\n\r\nx", 400},
        Refused{"CL plus", post_to + "Content-Length: +1\r\n\r\nx", 400},
        Refused{"CL minus", post_to + "Content-Length: -1\r\n\r\nx", 400},
        Refused{"CL hex", post_to + "Content-Length: 0x1\r\n\r\nx", 400},
        Refused{"CL empty", post_to + "Content-Length:\r\n\r\nx", 400},
        Refused{"CL with a space", post_to + "Content-Length: 1 1\r\n\r\nx", 400},
        Refused{"CL 2^64", post_to + "Content-Length: 18446744073709551616\r\n\r\nx", 400},
        Refused{"CL 2^63", post_to + "Content-Length: 9223372036854775808\r\n\r\nx", 400},
        Refused{"TE other", post_to + "Transfer-Encoding: gzip\r\n\r\n", 400},
        Refused{"TE list", post_to + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
        Refused{"TE chunked twice",
                post_to + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
        Refused{
            "TE two headers",
            post_to + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400},
        Refused{"TE with a parameter", post_to + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
                400},
        Refused{"TE xchunked", post_to + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
        Refused{"TE in HTTP/1.0",
                "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Refused{"folded", get + "A: b\r\n c\r\n\r\n", 400},
        Refused{"folded by tab", get + "A: b\r\n\tc\r\n\r\n", 400},
        Refused{"folded first", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        Refused{"space before the colon", get + "Content-Length : 5\r\n\r\n", 400},
        Refused{"space in a name", get + "A b: c\r\n\r\n", 400},
        Refused{"no colon", get + "abc\r\n\r\n", 400}, Refused{"no name", get + ": b\r\n\r\n", 400},
        Refused{"HTTP/0.9", "GET /\r\n", 400},
        Refused{"HTTP/0.9 with a version", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400},
        Refused{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400},
        Refused{"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        Refused{"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
        Refused{"http/1.1", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"target without slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"method is no token", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        Refused{"two Hosts", get + "Host: b\r\n\r\n", 400},
        Refused{"two Hosts, the same", get + "host: a\r\n\r\n", 400},
        Refused{"Host with a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        Refused{"Host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
        Refused{"two Authorizations", get + "Authorization: a\r\nauthorization: b\r\n\r\n", 400},
        Refused{"two empty lines first", "\r\n\r\n" + get + "\r\n", 400},
        Refused{"a TLS client", std::string("\x16\x03\x01\x02\0\x01\n\0", 8), 400},
        Refused{"other expectation", get + "Expect: miracles\r\n\r\n", 417},
        Refused{"long request line",
                "GET /" + std::string(8200, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
        Refused{"endless request line", "GET /" + std::string(9000, 'x'), 414},
        Refused{"large header", get + "A: " + std::string(33'000, 'x') + "\r\n\r\n", 431},
        Refused{"endless header", get + "A: " + std::string(33'000, 'x'), 431},
        Refused{"101 headers", get + repeat("A: b\r\n", 100) + "\r\n", 431}),
    [](const auto& test) {
        std::string name;
        for (const char c : std::string_view(test.param.what))
            name += isalnum(static_cast<unsigned char>(c)) != 0 ? std::string(1, c) : "_";
        return std::to_string(test.index) + "_" + name;
    });

TEST(HttpServer, AcceptsWhatIsAtTheLimits) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /" + std::string(8'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(status_of(std::string_view(client.read_answer())), 200);
    client.send(get + "A: " + std::string(32'000, 'x') + "\r\n\r\n");
    EXPECT_EQ(status_of(std::string_view(client.read_answer())), 200);
    client.send(get + repeat("A: b\r\n", 99) + "\r\n");
    EXPECT_EQ(status_of(std::string_view(client.read_answer())), 200);
    client.send("GET http://a/absolute?q HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "GET http://a/absolute?q");
    client.send("OPTIONS * HTTP/1.1\r\nHost: a:80\r\n\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "OPTIONS *");
    client.send("GET / HTTP/1.1\r\nHost: [::1]:80\r\nEmpty:\r\nTabs:\ta\tb\t\r\n\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "GET /");
}

class BadChunks : public testing::TestWithParam<const char*> {};

TEST_P(BadChunks, EndTheConnection) {
    TestServer server;
    RawClient client(server.port());
    client.send(post_to + "Transfer-Encoding: chunked\r\n\r\n" + GetParam());
    client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.read_to_end();
    EXPECT_EQ(status_of(std::string_view(answer)), 400);
    EXPECT_EQ(count_answers(answer), 1) << answer;
}

INSTANTIATE_TEST_SUITE_P(Rules, BadChunks,
                         testing::Values("x\r\n", "\r\n", "-1\r\n", "+1\r\n", "0x1\r\na\r\n",
                                         "1\na\r\n", "1 \r\na\r\n", " 1\r\na\r\n", "1\r\nab\r\n",
                                         "1\r\na\n", "1\r\na\r\r\n", "11111111111111111\r\n",
                                         "fffffffffffffff\r\n", "1;a\rb\r\na\r\n",
                                         "1;a\nb\r\na\r\n", "0\r\nA: b\n\r\n",
                                         "0\r\n folded\r\n\r\n", "0\r\n\rX",
                                         "00000000000000001\r\na\r\n0\r\n\r\n"));

TEST(HttpServer, BoundsTrailersAndExtensions) {
    TestServer server;
    const std::string chunked = post_to + "Transfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(status_of(std::string_view(
                  server.exchange(chunked + "0\r\n" + repeat("A: b\r\n", 3'000) + "\r\n"))),
              400);
    EXPECT_EQ(status_of(std::string_view(
                  server.exchange(chunked + "1;" + std::string(300, 'x') + "\r\na\r\n0\r\n\r\n"))),
              400);
    EXPECT_EQ(body_of(server.exchange(chunked + "1;" + std::string(200, 'x') +
                                      "\r\na\r\n0\r\nA: b\r\n\r\n")),
              "a");
}

TEST(HttpServer, BoundsBodies) {
    TestServer server;
    const std::string most(100'000, 'x');
    EXPECT_EQ(body_of(server.exchange(post("/echo", "", most))), most);
    EXPECT_EQ(status_of(std::string_view(server.exchange(post("/echo", "", most + "x")))), 413);
    EXPECT_EQ(
        status_of(std::string_view(server.exchange(
            post_to + "Transfer-Encoding: chunked\r\n\r\n186a1\r\n" + most + "x\r\n0\r\n\r\n"))),
        413);
    EXPECT_EQ(body_of(server.exchange(post("/count", "", std::string(3'000'000, 'x')))), "3000000");
}

// The reads grow with the body; what they take along of the next request is not lost.
TEST(HttpServer, ALargeBodyIsFollowedByARequest) {
    TestServer server;
    const std::string body(3'000'000, 'x');
    const std::string chunked =
        "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2dc6c0\r\n" + body +
        "\r\n0\r\n\r\n";
    RawClient client(server.port());
    for (const std::string& request : {post("/count", "", body), chunked}) {
        client.send(request + get + "\r\n");
        EXPECT_EQ(body_of(client.read_answer()), "3000000");
        EXPECT_EQ(body_of(client.read_answer()), "GET /");
    }
}

TEST(HttpServer, TellsAHandlerThatTheBodyBrokeOff) {
    TestServer server;
    const std::string answer = server.exchange(post_to + "Content-Length: 10\r\n\r\nabc");
    EXPECT_EQ(status_of(std::string_view(answer)), 400);
    EXPECT_NE(answer.find("did not arrive"), std::string::npos);
}

TEST(HttpServer, InflatesOneEncoding) {
    TestServer server;
    const std::string text = repeat("all work and no play ", 1'000);
    const auto echo = [&](std::string_view encoding, std::string_view body) {
        return server.exchange(
            post("/echo", "Content-Encoding: " + std::string(encoding) + "\r\n", body));
    };
    EXPECT_EQ(body_of(echo("gzip", gzip(text))), text);
    EXPECT_EQ(body_of(echo("X-GZIP", gzip(text))), text);
    EXPECT_EQ(body_of(echo("deflate", compress(text, 15))), text);
    EXPECT_EQ(body_of(echo("identity", text)), text);
    EXPECT_EQ(status_of(std::string_view(echo("br", text))), 415);
    EXPECT_EQ(status_of(std::string_view(echo("gzip, gzip", gzip(gzip(text))))), 415);
    EXPECT_EQ(status_of(std::string_view(echo("gzip\r\nContent-Encoding: gzip", gzip(gzip(text))))),
              415);
    EXPECT_EQ(status_of(std::string_view(echo("gzip", text))), 400);
    EXPECT_EQ(status_of(std::string_view(echo("gzip", gzip(text).substr(0, 40)))), 400);
    EXPECT_EQ(status_of(std::string_view(echo("gzip", gzip(text) + "x"))), 400);
    // A bomb: 8 MB in 8 kB. At the limit of 100,000 it is refused, just below it is not.
    EXPECT_EQ(status_of(std::string_view(echo("gzip", gzip(std::string(8'000'000, 'x'))))), 413);
    EXPECT_EQ(status_of(std::string_view(echo("gzip", gzip(std::string(100'001, 'x'))))), 413);
    EXPECT_EQ(body_of(echo("gzip", gzip(std::string(100'000, 'x')))).size(), 100'000u);
}

TEST(HttpServer, ContinuesOnTheFirstPull) {
    TestServer server;
    RawClient client(server.port());
    client.send(post_to + "Content-Length: 3\r\nExpect: 100-Continue\r\n\r\n");
    EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    EXPECT_EQ(body_of(client.read_answer()), "abc");
    // A handler that does not want the body: no 100, the answer, and the end.
    client.send(
        "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    const std::string answer = client.read_to_end();
    EXPECT_EQ(body_of(answer), "ignored");
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST(HttpServer, DrainsALittleAndClosesOtherwise) {
    TestServer server;
    RawClient client(server.port());
    client.send(post("/ignore", "", std::string(60'000, 'x')) + get + "\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "ignored");
    EXPECT_EQ(body_of(client.read_answer()), "GET /");
    client.send(
        "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
        get + "\r\n");
    EXPECT_EQ(body_of(client.read_answer()), "ignored");
    EXPECT_EQ(body_of(client.read_answer()), "GET /");
    client.send(post("/ignore", "", std::string(100'000, 'x')) + get + "\r\n");
    const std::string answer = client.read_to_end();
    EXPECT_EQ(count_answers(answer), 1);
    EXPECT_EQ(body_of(answer), "ignored");
}

TEST(HttpServer, SurvivesAPeerThatLeavesWhileTheHandlerWaits) {
    TestServer server;
    {
        RawClient client(server.port());
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        server.handler.gate.wait_for_request();
    }
    EXPECT_EQ(server.server->stats().connections_open, 1);
    server.handler.gate.open();
    EXPECT_TRUE(becomes_true([&] { return server.server->stats().connections_open == 0; }));
    EXPECT_EQ(server.handler.finished, 1);
}

}  // namespace
}  // namespace roost::net
