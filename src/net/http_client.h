// The one HTTP client for everything that roost fetches from others.
//
// Guarded: the address is resolved first, checked against the policy, and the connection goes to
// that very address (no rebinding). No redirects, no proxies from the environment. Keep-alive
// connections are pooled per I/O thread. Sizes and times are bounded by the call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "net/http.h"

namespace roost::net {

enum class AddressPolicy {
    public_only,  // https, port 443, public unicast addresses, no IP literals
    configured,   // an operator named this URL: any address, http or https
};

// Allowed in dev mode only: every request counts as `configured` then.
enum class PrivateAddresses { refused, allowed };

struct ClientRequest {
    Method method = Method::get;
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    // Sent instead of `body`, if set: exactly so many bytes, or in chunks if that is not known.
    // Such a request is not tried a second time when its connection turns out to be dead.
    std::shared_ptr<BodySource> source = nullptr;
    std::optional<std::uint64_t> source_size = std::nullopt;
    std::string content_type;
    AddressPolicy policy = AddressPolicy::public_only;
    std::size_t response_bytes_max = 64 * 1024;
    int timeout_ms = 5'000;  // for all of it; see open()
    std::optional<int> piece_timeout_ms = std::nullopt;
};

struct ClientResponse {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::string body;
    std::string_view header(std::string_view lower_case_name) const;  // empty if absent
};

// An answer whose body is read as it comes, on the thread of its request. The connection is let go
// when it ends.
class ClientStream : public BodySource {
  public:
    virtual const ClientResponse& head() const = 0;  // without its body
};

// May the request that ended in this error have reached the other side? For callers that must not
// repeat it.
bool was_sent(const Error& error);

// Uses the event loop of its caller, and keeps connections and a resolver for each. Destroy it
// after HttpServer::stop() and before the server itself, which owns the loops.
class HttpClient {
  public:
    struct Options {
        // "address" or "address:port"; empty: the system's.
        std::vector<std::string> nameservers = {};
        // The same, or names, which the ones above are asked for.
        std::vector<std::string> backup_nameservers = {};
        PrivateAddresses private_addresses = PrivateAddresses::refused;
    };
    static std::unique_ptr<HttpClient> make(Options options);
    virtual ~HttpClient() = default;

    // On any Executor's thread that belongs to an HttpServer. Errors: upstream_failed (refused,
    // malformed, too large, address not allowed), upstream_timeout.
    virtual Task<Result<ClientResponse>> send(ClientRequest request) = 0;
    // The same, but returns when the head of the answer is here. `timeout_ms` is for that, counted
    // from the end of the request if it has a source, of which the other side may take as long for
    // each piece; how long the source itself takes is its own affair. `piece_timeout_ms`, the same
    // if absent, is for each piece of the answer's body, which may have any size.
    virtual Task<Result<std::unique_ptr<ClientStream>>> open(ClientRequest request) = 0;
    // TXT records of a name; empty list when there are none.
    virtual Task<Result<std::vector<std::string>>> resolve_txt(std::string name,
                                                               int timeout_ms) = 0;
    // The same, as the backup name servers know it; an empty list when there are no such servers.
    virtual Task<Result<std::vector<std::string>>> resolve_txt_by_backup(std::string name,
                                                                         int timeout_ms) = 0;
};

}  // namespace roost::net
