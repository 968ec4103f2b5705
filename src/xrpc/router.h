// From a path to a method, and the one corridor that every call walks through:
//
//   limit by address → HTTP method → parameters → credentials → body → the lexicon's check → the
//   method's own limits → handler → answer.
//
// What is not served here goes from the limit by address to the credentials and on to another
// server (xrpc/proxy.h), if there is one for it.
//
// Methods are added once, before the server starts; after that any thread may call handle().
// https://atproto.com/specs/xrpc
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "atproto/data/value.h"
#include "atproto/lexicon/catalog.h"
#include "atproto/lexicon/generated_support.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/http.h"
#include "net/websocket.h"
#include "xrpc/auth.h"
#include "xrpc/call.h"
#include "xrpc/error.h"
#include "xrpc/rate_limit.h"

namespace roost::xrpc {

class Proxy;

// Told of every finished call, on its I/O thread. The NSID may be of any method, served here or
// not; it is empty if the path had none.
class CallObserver {
  public:
    virtual ~CallObserver() = default;
    virtual void on_call(const Call& call, int status, std::int64_t duration_us) = 0;
};

enum class RateLimits { off, on };

class Router {
  public:
    struct Options {
        RateLimits rate_limits = RateLimits::off;
        SecretText bypass_key = {};
        std::function<bool(const net::IpAddress&)> is_bypassed = {};
        std::function<bool(const net::IpAddress&)> is_trusted_proxy = {};
        Proxy* proxy = nullptr;  // none: what is not served here is refused
    };
    Router(const lexicon::Catalog& catalog, Authenticator& authenticator, RateLimiter& rates,
           CallObserver& observer, Options options)
        : catalog_(catalog),
          authenticator_(authenticator),
          rates_(rates),
          observer_(observer),
          options_(std::move(options)) {}

    // A method whose answer is JSON: the handler gets its parameters (a query) or its input (a
    // procedure), and returns Task<Result<Output>>. Where the input is bytes of any kind, it reads
    // the request's body itself.
    template <class Method, class Handler>
    void add(Rule rule, Handler handler) {
        add_endpoint(Method::nsid, Method::kind, std::move(rule),
                     [handler](Call& call, const atproto::Object& data) {
                         return answer_json<Method>(handler(call, arguments<Method>(data)));
                     });
    }
    // A query that makes its answer itself: the handler returns Task<Result<net::Response>>.
    template <class Method, class Handler>
    void add_raw(Rule rule, Handler handler) {
        add_endpoint(Method::nsid, Method::kind, std::move(rule),
                     [handler](Call& call, const atproto::Object& data) {
                         return handler(call, arguments<Method>(data));
                     });
    }

    // A method whose data the handler takes as the lexicon's check has left it, and whose answer it
    // makes itself: Task<Result<net::Response>>.
    void add_untyped(std::string_view nsid, Rule rule,
                     std::function<Task<Result<net::Response>>(Call&, const atproto::Object&)> run);

    // A query that another server answers, and whose answer something of our own is put into: the
    // handler forwards it and returns Task<Result<net::Response>>. The caller is a user.
    void add_elsewhere(std::string_view nsid,
                       std::function<Task<Result<net::Response>>(Call&)> run);

    // A stream: the handler returns Task<Result<std::shared_ptr<net::WebSocketFeed>>>. What is
    // wrong with the parameters is told within the stream.
    template <class Method, class Handler>
    void add_stream(Rule rule, Handler handler) {
        add_endpoint(Method::nsid, Method::kind, std::move(rule),
                     [handler](Call& call, const atproto::Object& data) {
                         return answer_stream(handler(call, arguments<Method>(data)));
                     });
    }

    // Answers what is below /xrpc/.
    Task<net::Response> handle(net::Request& request);

    // The address that a request is counted under.
    net::IpAddress client_address(const net::Request& request) const;

    std::vector<std::string_view> methods() const;

  private:
    using Answer = Task<Result<net::Response>>;
    struct Endpoint {
        std::string nsid;
        lexicon::Kind kind;
        const lexicon::Method* document;
        Rule rule;
        std::vector<std::string> limit_names;
        std::function<Answer(Call&, const atproto::Object&)> run;
    };

    template <class Method>
    static auto arguments(const atproto::Object& data) {
        if constexpr (Method::kind != lexicon::Kind::procedure)
            return Method::Params::from(data);
        else
            return Method::Input::from(data);
    }
    template <class Method>
    static Answer answer_json(Task<Result<typename Method::Output>> task) {
        const typename Method::Output output = CO_TRY(co_await std::move(task));
        net::Response response;
        if constexpr (!std::is_same_v<typename Method::Output, lexicon::NoOutput>) {
            response.content_type = json_content_type;
            response.body.reserve(limits::usual_answer_bytes);
            output.write(response.body);
        }
        co_return response;
    }

    static Answer answer_stream(Task<Result<std::shared_ptr<net::WebSocketFeed>>> task);

    void add_endpoint(std::string_view nsid, lexicon::Kind kind, Rule rule,
                      std::function<Answer(Call&, const atproto::Object&)> run);
    Task<Result<net::Response>> walk(Call& call, const Endpoint& endpoint, RateStatus& tightest);
    Task<Result<net::Response>> walk_to_stream(Call& call, const Endpoint& endpoint);
    // The way of methods that are not served here.
    Task<Result<net::Response>> walk_elsewhere(Call& call);
    Task<Result<atproto::Object>> read_input(Call& call, const Endpoint& endpoint);
    Result<void> count(const Call& call, const Endpoint& endpoint, const atproto::Object& data,
                       RateStatus& tightest);
    bool is_limited(const Call& call) const;
    void finish(const Call& call, net::Response& response, const RateStatus& tightest);

    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    const lexicon::Catalog& catalog_;
    Authenticator& authenticator_;
    RateLimiter& rates_;
    CallObserver& observer_;
    Options options_;
    // Starts at the time, so that ids do not come again after a restart.
    std::atomic<std::uint64_t> last_request_id_ = static_cast<std::uint64_t>(now().us);
    std::unordered_map<std::string, std::unique_ptr<Endpoint>, Hash, std::equal_to<>> endpoints_;
    std::unordered_map<std::string, std::function<Answer(Call&)>, Hash, std::equal_to<>> elsewhere_;
};

}  // namespace roost::xrpc
