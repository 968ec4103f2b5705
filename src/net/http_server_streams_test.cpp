// Bodies of answers that do not fit into one write: pieces, files, fast and slow readers.
#include "net/http_server.h"

#include <thread>

#include "net/test_server.h"

namespace roost::net {
namespace {

TEST(HttpServerStreams, StreamsABodyAndCutsABrokenOne) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(body_of(client.read_to_end()),
              "8\r\npiece 3\n\r\n8\r\npiece 2\n\r\n8\r\npiece 1\n\r\n0\r\n\r\n");
    RawClient broken(server.port());
    broken.send("GET /broken-stream HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = broken.read_to_end();
    EXPECT_NE(answer.find("piece 1"), std::string::npos);
    EXPECT_FALSE(answer.ends_with("0\r\n\r\n"));
}

// Each piece is a chunk, however much of it the socket takes at once.
TEST(HttpServerStreams, StreamsLargePieces) {
    TestServer server;
    for (const int receive_buffer : {0, 4'096}) {
        RawClient client(server.port(), receive_buffer);
        client.send(
            "GET /large-stream HTTP/1.1\r\nHost: a\r\n\r\n"
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        const std::string answers = client.read_to_end();
        std::string_view rest = body_of(answers);
        for (const char letter : LargePieces::letters) {
            const std::string chunk =
                "186a0\r\n" + std::string(LargePieces::piece_bytes, letter) + "\r\n";
            ASSERT_TRUE(rest.starts_with(chunk)) << letter;
            rest.remove_prefix(chunk.size());
        }
        ASSERT_TRUE(rest.starts_with("0\r\n\r\nHTTP/1.1 200 OK\r\n"));
        EXPECT_EQ(body_of(rest.substr(5)), "GET /x");
    }
}

TEST(HttpServerStreams, StreamsABodyOfAKnownSize) {
    TestServer server;
    RawClient client(server.port());
    client.send("GET /sized-stream HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.read_answer();
    EXPECT_NE(answer.find("Content-Length: 24\r\n"), std::string::npos);
    EXPECT_EQ(answer.find("Transfer-Encoding"), std::string::npos);
    EXPECT_EQ(body_of(answer), "piece 3\npiece 2\npiece 1\n");
    client.send("HEAD /sized-stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const std::string head = client.read_to_end();
    EXPECT_NE(head.find("Content-Length: 24\r\n"), std::string::npos);
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
    // One that is shorter than was told cannot be followed by another answer.
    RawClient other(server.port());
    other.send("GET /short-stream HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(other.read_to_end().ends_with("piece 1\n"));
}

TEST(HttpServerStreams, SendsFromAFileWhatIsInMemory) {
    TestServer server;
    std::string expected;
    for (const char letter : LargePieces::letters)
        expected.append(LargePieces::piece_bytes, letter);
    for (const int receive_buffer : {0, 4096}) {
        RawClient client(server.port(), receive_buffer);
        client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        const std::string answer = client.read_answer();
        EXPECT_TRUE(body_of(answer) == expected) << body_of(answer).size();
        EXPECT_EQ(body_of(client.read_answer()), "GET /x");
    }
    // A file that is shorter than was told ends the connection.
    RawClient other(server.port());
    other.send("GET /cut-file HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(body_of(other.read_to_end()), expected.substr(0, 350'000));
}

TEST(HttpServerStreams, OthersAreServedWhileABodyIsTakenAsFastAsItIsSent) {
    TestServer server;
    std::thread fast([&server] {
        RawClient client(server.port());
        client.send("GET /busy HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        client.read_to_end();
    });
    EXPECT_TRUE(becomes_true([&] { return server.handler.busy_pieces > 0; }));
    server.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_LT(server.handler.busy_pieces, BusyPieces::count / 2);
    fast.join();
    EXPECT_EQ(server.handler.busy_pieces, BusyPieces::count);
}

TEST(HttpServerStreams, SendsALargeBodyToASlowReader) {
    TestServer server;
    RawClient client(server.port(), 4096);
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.read_answer();
    EXPECT_EQ(body_of(answer).size(), 8u * 1024 * 1024);
    EXPECT_EQ(body_of(answer).find_first_not_of('x'), std::string::npos);
    EXPECT_EQ(body_of(client.read_answer()), "GET /x");
}

}  // namespace
}  // namespace roost::net
