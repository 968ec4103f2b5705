// A connection to another server, and one exchange on it. Part of the room's inside.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/http_client.h"
#include "net/stream.h"
#include "net/url.h"

namespace roost::net {

class ClientConnection final : private WheelEntry {
  public:
    // How an exchange ended that brought no answer.
    struct Failure {
        Error error;
        bool was_silent = false;  // not one byte of an answer: the connection may have been dead
    };

    // Connects to one of the addresses, in their order, and speaks TLS with the host if the URL is
    // https. An error means that nothing of a request was sent.
    static Task<Result<std::unique_ptr<ClientConnection>>> open(EventLoop& loop, const Url& url,
                                                                std::vector<IpAddress> addresses,
                                                                const ClientTls& tls,
                                                                std::int64_t deadline_us);

    ClientConnection(EventLoop& loop, Socket socket);
    ~ClientConnection() override;

    // What is sent: the bytes, and then so many of the source, if there is one; all that it has, in
    // chunks, if its size is not known.
    struct Outgoing {
        std::string_view bytes = {};
        BodySource* source = nullptr;
        std::optional<std::uint64_t> source_size = std::nullopt;
        bool is_head = false;
    };
    // Sends and reads an answer of at most so many bytes. The connection is open afterwards if
    // can_be_kept().
    Task<std::expected<ClientResponse, Failure>> exchange(Outgoing outgoing,
                                                          std::size_t response_bytes_max,
                                                          std::int64_t deadline_us);
    // The same in two steps: the head with what has come of the body, and then, while there is
    // more, the pieces of the body until an empty one. With a source, the other side has so long
    // for each piece and for the head, whatever the source takes.
    Task<std::expected<ClientResponse, Failure>> begin(Outgoing outgoing, std::int64_t deadline_us,
                                                       std::int64_t patience_us);
    bool has_more() const { return reading_ != nullptr; }
    Task<std::expected<std::string_view, Failure>> next_piece(std::int64_t deadline_us);
    // Whether it is still open after an exchange, and, later, whether the other side has not closed
    // it meanwhile.
    bool can_be_kept() const { return is_reusable_; }
    bool can_be_reused() { return is_reusable_ && stream_.is_quiet(); }
    // While nobody uses it: what to do when it has been idle for long enough.
    void set_idle(std::int64_t until_us, std::function<void(ClientConnection&)> evict);

  private:
    enum class Tried { connected, failed, late };

    Task<Tried> connect(IpAddress address, std::uint16_t port, std::int64_t deadline_us);
    Task<bool> send_all(std::string_view data);
    bool try_send(Outgoing& outgoing);
    Task<bool> send_outgoing(Outgoing outgoing, std::optional<std::int64_t> patience_us);
    // More of the answer, into the buffer of what is being read. Nothing if all is well.
    Task<std::optional<Failure>> read_more();
    void end_answer();
    Failure failure(bool was_silent, std::string message) const;
    void on_due(std::int64_t now_us) override;

    struct Reading;

    EventLoop& loop_;
    Stream stream_;
    std::unique_ptr<Reading> reading_;
    bool is_late_ = false;
    bool is_reusable_ = false;
    std::function<void(ClientConnection&)> evict_;
};

// The errors of a fetch.
Error not_sent(Fault fault, std::string message);
Error sent(Fault fault, std::string message);

}  // namespace roost::net
