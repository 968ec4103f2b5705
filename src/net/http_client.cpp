#include "net/http_client.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

#include "base/check.h"
#include "base/clock.h"
#include "net/ascii.h"
#include "net/chunked.h"
#include "net/client_connection.h"
#include "net/client_internal.h"
#include "net/dns.h"
#include "net/limits.h"
#include "net/ssrf_guard.h"

namespace roost::net {

std::string_view ClientResponse::header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers)
        if (name == lower_case_name) return value;
    return {};
}

bool was_sent(const Error& error) {
    return error.name != "UpstreamNotReached";
}

namespace {

std::string_view text_of(Method method) {
    switch (method) {
        case Method::get:
            return "GET";
        case Method::head:
            return "HEAD";
        case Method::post:
            return "POST";
        case Method::put:
            return "PUT";
        case Method::del:
            return "DELETE";
        case Method::options:
            return "OPTIONS";
        case Method::patch:
            return "PATCH";
        case Method::other:
            break;
    }
    check(false, "a client knows its method");
    return {};
}

bool is_idempotent(Method method) {
    return method != Method::post && method != Method::patch;
}

bool are_headers_fine(const ClientRequest& request) {
    return std::ranges::all_of(request.headers, [](const auto& header) {
        return is_token(header.first) && is_one_line(header.second);
    });
}

// "address" or "IPv4 address:port".
bool is_numeric(const std::string& server) {
    return IpAddress::parse(server) || IpAddress::parse(server.substr(0, server.find(':')));
}

std::string serialize(const ClientRequest& request, const Url& url) {
    std::string bytes;
    bytes.reserve(512 + request.body.size());
    bytes.append(text_of(request.method)).append(" ").append(url.target).append(" HTTP/1.1\r\n");
    bytes.append("Host: ").append(url.host_header).append("\r\n");
    for (const auto& [name, value] : request.headers)
        bytes.append(name).append(": ").append(value).append("\r\n");
    if (!request.content_type.empty())
        bytes.append("Content-Type: ").append(request.content_type).append("\r\n");
    const std::uint64_t size =
        request.source ? request.source_size.value_or(0) : request.body.size();
    if (request.source && !request.source_size)
        bytes.append("Transfer-Encoding: chunked\r\n");
    else if (size > 0 || !is_idempotent(request.method) || request.method == Method::put)
        bytes.append("Content-Length: ").append(std::to_string(size)).append("\r\n");
    return bytes.append("\r\n").append(request.body);
}

// The part of the client that lives on one loop, and is only touched there.
class LoopClient {
  public:
    LoopClient(EventLoop& loop, const HttpClient::Options& options, const ClientTls& tls)
        : loop_(loop),
          options_(options),
          tls_(tls),
          resolver_(Resolver::make(loop, options.nameservers)) {}

    Task<Result<ClientResponse>> send(ClientRequest request);
    Task<Result<std::unique_ptr<ClientStream>>> open(ClientRequest request);
    Resolver& resolver() { return *resolver_; }
    Task<Result<std::vector<std::string>>> texts_by_backup(std::string name,
                                                           std::int64_t deadline_us);

  private:
    using ConnectionPtr = std::unique_ptr<ClientConnection>;

    // Counts a request while it is on its way.
    struct InFlight {
        explicit InFlight(std::size_t& the_count) : count(the_count) { ++count; }
        ~InFlight() { --count; }
        InFlight(const InFlight&) = delete;
        InFlight& operator=(const InFlight&) = delete;
        std::size_t& count;
    };

    class AnswerStream;

    Result<Url> check_request(const ClientRequest& request) const;
    static std::string pool_key(const Url& url, AddressPolicy policy);
    Task<Result<ClientResponse>> send_on(ClientRequest request, Url url);
    static Task<Result<ClientConnection::Outgoing>> begin(const ClientRequest& request,
                                                          const Url& url, std::string& bytes);
    Task<Result<ConnectionPtr>> connect(Url url, AddressPolicy policy, std::int64_t deadline_us);
    AddressPolicy effective(AddressPolicy policy) const {
        return options_.private_addresses == PrivateAddresses::allowed ? AddressPolicy::configured
                                                                       : policy;
    }
    ConnectionPtr take_idle(const std::string& key);
    void put_idle(const std::string& key, ConnectionPtr connection);
    void forget_idle(const ClientConnection& old);

    EventLoop& loop_;
    const HttpClient::Options& options_;
    const ClientTls& tls_;
    std::unique_ptr<Resolver> resolver_;
    std::unique_ptr<Resolver> backup_resolver_;  // once one of its servers has an address
    // By what pool_key() says of where they lead to; none is empty.
    std::unordered_map<std::string, std::vector<ConnectionPtr>> idle_;
    std::size_t idle_count_ = 0;
    std::size_t in_flight_ = 0;
};

LoopClient::ConnectionPtr LoopClient::take_idle(const std::string& key) {
    const auto found = idle_.find(key);
    if (found == idle_.end()) return nullptr;
    ConnectionPtr connection;
    while (!connection && !found->second.empty()) {
        connection = std::move(found->second.back());
        found->second.pop_back();
        --idle_count_;
        if (!connection->can_be_reused()) connection.reset();
    }
    if (found->second.empty()) idle_.erase(found);
    return connection;
}

void LoopClient::put_idle(const std::string& key, ConnectionPtr connection) {
    if (!connection->can_be_kept() || idle_count_ >= client_idle_max) return;
    std::vector<ConnectionPtr>& of_key = idle_[key];
    if (of_key.size() >= client_idle_per_host_max) return;
    connection->set_idle(monotonic_us() + client_idle_ms * 1'000,
                         [this](ClientConnection& old) { forget_idle(old); });
    of_key.push_back(std::move(connection));
    ++idle_count_;
}

void LoopClient::forget_idle(const ClientConnection& old) {
    for (auto of_key = idle_.begin(); of_key != idle_.end(); ++of_key) {
        if (std::erase_if(of_key->second, [&](const auto& one) { return one.get() == &old; }) == 0)
            continue;
        --idle_count_;
        if (of_key->second.empty()) idle_.erase(of_key);
        return;
    }
}

// The addresses are checked here, and connected to as they are: the name is not resolved again.
Task<Result<LoopClient::ConnectionPtr>> LoopClient::connect(Url url, AddressPolicy policy,
                                                            std::int64_t deadline_us) {
    std::vector<IpAddress> addresses;
    if (const auto literal = IpAddress::parse(url.host)) {
        addresses.push_back(*literal);
    } else {
        auto resolved = co_await resolver_->addresses(url.host, deadline_us);
        if (!resolved)
            co_return not_sent(resolved.error().fault, std::move(resolved.error().message));
        addresses = std::move(*resolved);
    }
    if (policy == AddressPolicy::public_only) {
        std::erase_if(addresses, [](const IpAddress& a) { return !is_public_unicast(a); });
        if (addresses.empty())
            co_return not_sent(Fault::upstream_failed, url.host + " has no public address.");
    }
    co_return co_await ClientConnection::open(loop_, url, std::move(addresses), tls_, deadline_us);
}

Result<Url> LoopClient::check_request(const ClientRequest& request) const {
    auto url = Url::parse(request.url);
    if (!url) return not_sent(Fault::upstream_failed, "The URL is malformed.");
    if (effective(request.policy) == AddressPolicy::public_only &&
        (!url->is_https || url->port != 443 || url->is_ip_literal))
        return not_sent(Fault::upstream_failed,
                        "The URL must be https, with a host name and no other port.");
    check(are_headers_fine(request), "headers to send are well-formed");
    check(is_one_line(request.content_type), "a content type is one line");
    if (in_flight_ >= client_in_flight_max)
        return not_sent(Fault::unavailable, "Too many requests to other servers at once.");
    return *std::move(url);
}

// Connections under different policies are kept apart: one may lead to a private address.
std::string LoopClient::pool_key(const Url& url, AddressPolicy policy) {
    return (policy == AddressPolicy::public_only ? "public " : "any ") +
           std::string(url.is_https ? "https " : "http ") + url.host + " " +
           std::to_string(url.port);
}

Task<Result<ClientResponse>> LoopClient::send(ClientRequest request) {
    Url url = CO_TRY(check_request(request));
    const InFlight counted(in_flight_);
    co_return co_await send_on(std::move(request), std::move(url));
}

// The head, and the first piece of a body that is streamed: they leave together, in `bytes`. Nobody
// is connected to before that piece is here.
Task<Result<ClientConnection::Outgoing>> LoopClient::begin(const ClientRequest& request,
                                                           const Url& url, std::string& bytes) {
    bytes = serialize(request, url);
    ClientConnection::Outgoing outgoing{.source = request.source.get(),
                                        .source_size = request.source_size,
                                        .is_head = request.method == Method::head};
    if (request.source && outgoing.source_size != 0U) {
        const std::string_view piece = CO_TRY(co_await request.source->next());
        if (!outgoing.source_size) {
            append_chunk(bytes, piece);
            if (piece.empty()) outgoing.source = nullptr;
        } else if (piece.empty() || piece.size() > *outgoing.source_size) {
            co_return not_sent(Fault::upstream_failed,
                               "The body has another length than was told.");
        } else {
            bytes.append(piece);
            *outgoing.source_size -= piece.size();
        }
    }
    outgoing.bytes = bytes;
    co_return outgoing;
}

Task<Result<ClientResponse>> LoopClient::send_on(ClientRequest request, Url url) {
    const std::int64_t deadline_us = monotonic_us() + std::int64_t{request.timeout_ms} * 1'000;
    const AddressPolicy policy = effective(request.policy);
    const std::string key = pool_key(url, policy);
    std::string bytes;
    const ClientConnection::Outgoing outgoing = CO_TRY(co_await begin(request, url, bytes));
    ConnectionPtr connection = take_idle(key);
    while (true) {
        const bool is_reused = connection != nullptr;
        if (!is_reused) connection = CO_TRY(co_await connect(url, policy, deadline_us));
        auto outcome =
            co_await connection->exchange(outgoing, request.response_bytes_max, deadline_us);
        if (!outcome) {
            connection.reset();
            // The server may have closed it just when we wrote. A new one is tried once.
            if (is_reused && outcome.error().was_silent && is_idempotent(request.method) &&
                !request.source)
                continue;
            co_return std::move(outcome.error().error);
        }
        put_idle(key, std::move(connection));
        const std::string_view encoding = outcome->header("content-encoding");
        if (!encoding.empty() && !equals_lower_case(encoding, "identity"))
            co_return sent(Fault::upstream_failed, "The answer is compressed without being asked.");
        co_return std::move(*outcome);
    }
}

Task<Result<std::vector<std::string>>> LoopClient::texts_by_backup(std::string name,
                                                                   std::int64_t deadline_us) {
    if (options_.backup_nameservers.empty()) co_return std::vector<std::string>();
    if (!backup_resolver_) {
        std::vector<std::string> servers;
        for (const std::string& server : options_.backup_nameservers) {
            if (is_numeric(server)) {
                servers.push_back(server);
                continue;
            }
            const auto addresses = co_await resolver_->addresses(server, deadline_us);
            if (addresses) servers.push_back(addresses->front().text());
        }
        if (servers.empty())
            co_return Error{Fault::upstream_failed, "UpstreamFailure",
                            "No backup name server has an address."};
        // Another task may have got here first.
        if (!backup_resolver_) backup_resolver_ = Resolver::make(loop_, std::move(servers));
    }
    co_return co_await backup_resolver_->texts(std::move(name), deadline_us);
}

class LoopClient::AnswerStream final : public ClientStream {
  public:
    // The head has with it what has come of the body. Without a connection, that is all.
    AnswerStream(LoopClient& client, std::string key, ConnectionPtr connection, ClientResponse head,
                 int timeout_ms)
        : client_(client),
          counted_(client.in_flight_),
          key_(std::move(key)),
          connection_(std::move(connection)),
          head_(std::move(head)),
          first_(std::exchange(head_.body, std::string())),
          timeout_ms_(timeout_ms) {}

    const ClientResponse& head() const override { return head_; }

    Task<Result<std::string_view>> next() override {
        if (!is_first_given_ && !first_.empty()) {
            is_first_given_ = true;
            co_return std::string_view(first_);
        }
        if (!connection_) co_return std::string_view();
        auto piece =
            co_await connection_->next_piece(monotonic_us() + std::int64_t{timeout_ms_} * 1'000);
        if (!piece) {
            connection_.reset();
            co_return std::move(piece.error().error);
        }
        if (piece->empty()) client_.put_idle(key_, std::move(connection_));
        co_return *piece;
    }

  private:
    LoopClient& client_;
    InFlight counted_;
    std::string key_;
    ConnectionPtr connection_;
    ClientResponse head_;
    std::string first_;
    bool is_first_given_ = false;
    int timeout_ms_;
};

Task<Result<std::unique_ptr<ClientStream>>> LoopClient::open(ClientRequest request) {
    const Url url = CO_TRY(check_request(request));
    const InFlight counted(in_flight_);
    const AddressPolicy policy = effective(request.policy);
    std::string key = pool_key(url, policy);
    std::string bytes;
    const ClientConnection::Outgoing outgoing = CO_TRY(co_await begin(request, url, bytes));
    const std::int64_t patience_us = std::int64_t{request.timeout_ms} * 1'000;
    const std::int64_t deadline_us = monotonic_us() + patience_us;
    ConnectionPtr connection = take_idle(key);
    while (true) {
        const bool is_reused = connection != nullptr;
        if (!is_reused) connection = CO_TRY(co_await connect(url, policy, deadline_us));
        auto outcome = co_await connection->begin(outgoing, deadline_us, patience_us);
        if (outcome) {
            if (!connection->has_more()) put_idle(key, std::move(connection));
            co_return std::make_unique<AnswerStream>(
                *this, std::move(key), std::move(connection), *std::move(outcome),
                request.piece_timeout_ms.value_or(request.timeout_ms));
        }
        connection.reset();
        if (is_reused && outcome.error().was_silent && is_idempotent(request.method) &&
            !request.source)
            continue;
        co_return std::move(outcome.error().error);
    }
}

class Client final : public HttpClient {
  public:
    Client(Options options, const std::string& extra_authorities_file)
        : options_(std::move(options)), tls_(extra_authorities_file) {}

    Task<Result<ClientResponse>> send(ClientRequest request) override {
        co_return co_await on_this_loop().send(std::move(request));
    }
    Task<Result<std::unique_ptr<ClientStream>>> open(ClientRequest request) override {
        return on_this_loop().open(std::move(request));
    }
    Task<Result<std::vector<std::string>>> resolve_txt(std::string name, int timeout_ms) override {
        const std::int64_t deadline_us = monotonic_us() + std::int64_t{timeout_ms} * 1'000;
        co_return co_await on_this_loop().resolver().texts(std::move(name), deadline_us);
    }

    Task<Result<std::vector<std::string>>> resolve_txt_by_backup(std::string name,
                                                                 int timeout_ms) override {
        const std::int64_t deadline_us = monotonic_us() + std::int64_t{timeout_ms} * 1'000;
        co_return co_await on_this_loop().texts_by_backup(std::move(name), deadline_us);
    }

  private:
    LoopClient& on_this_loop() {
        auto* loop = dynamic_cast<EventLoop*>(&Executor::current());
        check(loop != nullptr, "a client is used on an event loop");
        const std::lock_guard lock(mutex_);
        auto& client = clients_[loop];
        if (!client) client = std::make_unique<LoopClient>(*loop, options_, tls_);
        return *client;
    }

    const Options options_;
    const ClientTls tls_;
    std::mutex mutex_;
    std::map<EventLoop*, std::unique_ptr<LoopClient>> clients_;
};

}  // namespace

std::unique_ptr<HttpClient> make_client(HttpClient::Options options,
                                        const std::string& extra_authorities_file) {
    return std::make_unique<Client>(std::move(options), extra_authorities_file);
}

std::unique_ptr<HttpClient> HttpClient::make(Options options) {
    return make_client(std::move(options), "");
}

}  // namespace roost::net
