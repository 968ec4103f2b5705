#include "xrpc/proxy.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "atproto/data/json.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/inflate.h"
#include "net/url.h"
#include "pds/proxying/closed_methods.h"
#include "xrpc/error.h"
#include "xrpc/limits.h"

namespace roost::xrpc {

namespace {

// What is passed on of a request, and of an answer, besides its content's own headers.
constexpr std::array request_headers{"accept-language", "atproto-accept-labelers", "x-bsky-topics"};
constexpr std::string_view repo_rev_header = "atproto-repo-rev";
constexpr std::string_view labelers_header = "atproto-content-labelers";

std::int64_t account_of(const Call& call) {
    const auto* user = std::get_if<User>(&call.caller);
    return user != nullptr ? (*user)->account.id : 0;
}

// Empty if the client names none.
std::string_view named_service(const Call& call) {
    return call.http.header("atproto-proxy").value_or("");
}

bool is_head(const Call& call) {
    return call.http.method_text == "HEAD";
}

// The client's body, as it comes.
class CallBody final : public net::BodySource {
  public:
    explicit CallBody(net::Body& body) : body_(body) {}
    Task<Result<std::string_view>> next() override {
        Result<std::string_view> piece = co_await body_.read_some();
        if (!piece.has_value()) failure = piece.error();
        co_return piece;
    }
    std::optional<Error> failure;  // of the client, not of the other server

  private:
    net::Body& body_;
};

// Nothing but visible characters, so that another server cannot write lines of ours.
bool is_one_line(std::string_view value) {
    return std::ranges::all_of(value, [](unsigned char c) { return c >= ' ' && c != 127; });
}

std::string header_of(const net::ClientResponse& head, std::string_view name) {
    const std::string_view value = head.header(name);
    return is_one_line(value) ? std::string(value) : std::string();
}

void pass_on_header(net::Response& response, std::string_view name, const std::string& value) {
    if (!value.empty()) response.add_header(name, value);
}

bool is_json_type(std::string_view type) {
    return type.find("application/json") == 0 || type.find("+json") != std::string_view::npos;
}

std::optional<std::uint64_t> content_length(const net::ClientResponse& head) {
    const std::string_view text = head.header("content-length");
    std::uint64_t size = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (text.empty() || failure != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return size;
}

// Encodings that both we and the client can read. Plain is less work for both where the other
// server is near; compressed is preferred where it is not.
std::string readable_encodings(std::string_view accepted, Proxy::Compressed compressed) {
    const bool has_gzip = accepted.find("gzip") != std::string_view::npos ||
                          accepted.find('*') != std::string_view::npos;
    if (!has_gzip || accepted.find("q=0,") != std::string_view::npos || accepted.ends_with("q=0"))
        return "identity";
    return compressed == Proxy::Compressed::preferred ? "gzip, identity;q=0.5"
                                                      : "identity, gzip;q=0.5";
}

// How the error of a fetch is told. The client learns no addresses.
Error upstream_error(const Call& call, const Error& error) {
    log::info("a call could not be forwarded",
              {{"request_id", call.request_id}, {"nsid", call.nsid}, {"reason", error.message}});
    if (error.fault == Fault::unavailable)
        return Error::unavailable("Too many calls wait for other servers",
                                  limits::forwarded_busy_retry_s);
    if (error.fault == Fault::upstream_timeout)
        return {Fault::upstream_timeout, "UpstreamTimeout",
                "The upstream service did not answer in time"};
    return {Fault::upstream_failed, "UpstreamFailure", "Upstream service unreachable"};
}

Error upstream_failure(std::string message) {
    return {Fault::upstream_failed, "UpstreamFailure", std::move(message)};
}

struct Refusal {
    std::string name;
    std::string message;
};

// What is said for another server that refuses and does not say why.
Refusal default_refusal(int status) {
    switch (status) {
        case 401:
            return {"AuthenticationRequired", "Authentication Required"};
        case 403:
            return {"Forbidden", "Forbidden"};
        case 404:
            return {"XRPCNotSupported", "XRPC Not Supported"};
        case 413:
            return {"PayloadTooLarge", "Payload Too Large"};
        case 429:
            return {"RateLimitExceeded", "Rate Limit Exceeded"};
        case 501:
            return {"MethodNotImplemented", "Method Not Implemented"};
        case 503:
            return {"NotEnoughResources", "Not Enough Resources"};
        case 504:
            return {"UpstreamTimeout", "Upstream Timeout"};
        default:
            return status < 500 ? Refusal{"InvalidRequest", "Invalid Request"}
                                : Refusal{"UpstreamFailure", "Upstream Failure"};
    }
}

Refusal read_refusal(int status, std::string_view body) {
    Refusal refusal = default_refusal(status);
    const Result<atproto::Value> value = atproto::json::parse(body);
    const auto* object = value.has_value() ? value->as<atproto::Object>() : nullptr;
    if (object == nullptr) return refusal;
    for (auto [member, text] :
         {std::pair{"error", &refusal.name}, std::pair{"message", &refusal.message}}) {
        const atproto::Value* found = object->find(member);
        const auto* given = found != nullptr ? found->as<std::string>() : nullptr;
        if (given != nullptr) *text = *given;
    }
    return refusal;
}

// All that comes, if it is not more than that and comes in time.
Task<Result<std::string>> read_all(net::BodySource& source, std::string_view encoding,
                                   std::size_t bytes_max, std::int64_t time_ms) {
    std::optional<net::Inflater> inflater;
    if (!encoding.empty() && encoding != "identity")
        inflater = CO_TRY(net::Inflater::make(encoding));
    const std::int64_t until_us = monotonic_us() + time_ms * 1'000;
    std::string all;
    while (true) {
        const std::string_view piece = CO_TRY(co_await source.next());
        if (piece.empty()) break;
        if (monotonic_us() > until_us)
            co_return Error{Fault::upstream_timeout, "UpstreamTimeout", "The answer is too slow."};
        if (inflater) {
            CO_TRY(inflater->append(piece, all, bytes_max));
            continue;
        }
        if (piece.size() > bytes_max - all.size())
            co_return upstream_failure("The answer is too large.");
        all += piece;
    }
    if (inflater && !all.empty()) CO_TRY(inflater->finish());
    co_return all;
}

}  // namespace

// What another server is asked, as one request for each attempt.
class Proxy::Question {
  public:
    Question(const Call& call, pds::RemoteService service, Order order, const Options& options)
        : call_(call), service_(std::move(service)), order_(std::move(order)), options_(options) {
        if (!order_.json && !is_query()) body_ = std::make_shared<CallBody>(*call.http.body);
    }

    net::ClientRequest with(const std::string& token) const {
        net::ClientRequest request;
        request.method = !is_query()      ? net::Method::post
                         : is_head(call_) ? net::Method::head
                                          : net::Method::get;
        request.url = url();
        request.policy = service_.policy;
        request.timeout_ms = options_.headers_timeout_ms;
        request.piece_timeout_ms = options_.body_timeout_ms;
        request.headers.reserve(request_headers.size() + 3);
        for (const std::string_view name : request_headers)
            copy_header(request, name);
        const std::string_view accepted = call_.http.header("accept-encoding").value_or("identity");
        request.headers.emplace_back("accept-encoding",
                                     order_.answer == Order::Answer::looked_into
                                         ? readable_encodings(accepted, options_.compressed)
                                         : accepted);
        if (!token.empty()) request.headers.emplace_back("authorization", "Bearer " + token);
        if (order_.json) {
            request.content_type = json_content_type;
            request.body = *order_.json;
        } else if (body_) {
            copy_header(request, "content-encoding");
            request.content_type = call_.http.header("content-type").value_or("");
            request.source = body_;
            request.source_size = call_.http.body->declared_size();
        }
        return request;
    }
    std::string url() const {
        const std::string_view query = order_.path ? "" : call_.http.query;
        // Not the target as it was sent, which may be absolute.
        const std::string_view path = order_.path ? *order_.path : call_.http.path;
        std::string url;
        url.reserve(service_.origin.size() + path.size() + 1 + query.size());
        url.append(service_.origin).append(path);
        if (!query.empty()) url.append("?").append(query);
        return url;
    }
    std::string_view audience() const { return order_.audience ? *order_.audience : service_.did; }
    std::string_view method() const { return order_.method ? *order_.method : call_.nsid; }
    bool names_caller() const { return order_.as == Order::As::caller; }
    bool is_query() const { return call_.http.method != net::Method::post; }
    std::optional<Error> failure_of_client() const { return body_ ? body_->failure : std::nullopt; }

  private:
    void copy_header(net::ClientRequest& request, std::string_view name) const {
        if (const auto value = call_.http.header(name)) request.headers.emplace_back(name, *value);
    }

    const Call& call_;
    pds::RemoteService service_;
    Order order_;
    const Options& options_;
    std::shared_ptr<CallBody> body_;
};

// The answer as it comes, counted.
class Proxy::AnswerBody final : public net::BodySource {
  public:
    AnswerBody(std::unique_ptr<net::ClientStream> stream, ForwardSlots::Slot slot,
               std::uint64_t bytes_max, std::string_view first)
        : stream_(std::move(stream)), slot_(std::move(slot)), left_(bytes_max), first_(first) {}

    Task<Result<std::string_view>> next() override {
        std::string_view piece = std::exchange(first_, std::string_view());
        if (piece.empty()) piece = CO_TRY(co_await stream_->next());
        if (piece.size() > left_) co_return upstream_failure("The answer is too large.");
        left_ -= piece.size();
        co_return piece;
    }

  private:
    std::unique_ptr<net::ClientStream> stream_;
    ForwardSlots::Slot slot_;
    std::uint64_t left_;
    std::string_view first_;
};

bool Proxy::has_target(const Call& call) const {
    return !named_service(call).empty() || services_.for_method(call.nsid) != nullptr;
}

Task<Result<pds::RemoteService>> Proxy::target(const Call& call) {
    if (const std::string_view named = named_service(call); !named.empty()) {
        // Looking its document up asks another server, too.
        const ForwardSlots::Slot slot = CO_TRY(slots_.take(account_of(call)));
        co_return co_await services_.named(named, call.time);
    }
    const pds::RemoteService* service = services_.for_method(call.nsid);
    if (service == nullptr)
        co_return Error::invalid("No service configured for " + std::string(call.nsid));
    co_return *service;
}

Task<Result<net::Response>> Proxy::forward(Call& call) {
    const bool is_closed =
        pds::is_protected_method(call.nsid) ||
        (call.user().scope == pds::Scope::app_pass && pds::is_privileged_method(call.nsid));
    if (is_closed) co_return Error::invalid("Bad token method", "InvalidToken");
    pds::RemoteService service = CO_TRY(co_await target(call));
    Forwarded answer = CO_TRY(co_await ask(call, std::move(service), {}));
    co_return std::move(answer.response);
}

Task<Result<net::Response>> Proxy::forward_json(Call& call, std::string json) {
    pds::RemoteService service = CO_TRY(co_await target(call));
    Forwarded answer = CO_TRY(co_await ask(call, std::move(service), {.json = std::move(json)}));
    co_return std::move(answer.response);
}

Task<Result<Forwarded>> Proxy::ask(Call& call, pds::RemoteService service, Order order) {
    ForwardSlots::Slot slot = CO_TRY(slots_.take(account_of(call)));
    const Question question(call, std::move(service), std::move(order), options_);
    Result<std::unique_ptr<net::ClientStream>> stream = co_await open(call, question);
    if (!stream.has_value()) {
        if (const std::optional<Error> failure = question.failure_of_client()) co_return *failure;
        if (!net::was_sent(stream.error()) && !net::Url::parse(question.url()))
            co_return Error::invalid("The path or the query is malformed or too long");
        co_return upstream_error(call, stream.error());
    }
    const int status = (*stream)->head().status;
    if (status >= 400) co_return co_await refusal(*std::move(stream));
    if (status < 200 || status >= 300)
        co_return upstream_failure("The upstream service answered with a redirect");
    co_return co_await pass_on(*std::move(stream), std::move(slot), is_head(call));
}

Task<Result<std::unique_ptr<net::ClientStream>>> Proxy::open(Call& call, const Question& question) {
    const auto* user = question.names_caller() ? std::get_if<User>(&call.caller) : nullptr;
    pds::ServiceTokens::Remembered token;
    if (user != nullptr && question.is_query())
        token = CO_TRY(co_await tokens_.remembered((*user)->account, question.audience(),
                                                   question.method(), call.time));
    else if (user != nullptr)
        token.token = CO_TRY(co_await tokens_.fresh((*user)->account, question.audience(),
                                                    question.method(), call.time));
    for (int retries = 0;; ++retries) {
        auto stream = co_await http_.open(question.with(token.token));
        if (stream.has_value() && (*stream)->head().status == 401 && token.was_used) {
            // A server may take each token once only.
            token = {
                .token = CO_TRY(co_await tokens_.fresh((*user)->account, question.audience(),
                                                       question.method(), call.time))
            };
            continue;
        }
        const bool can_try_again = !stream.has_value() && question.is_query() &&
                                   stream.error().fault == Fault::upstream_failed &&
                                   retries < options_.retries_max;
        if (!can_try_again) co_return stream;
    }
}

Task<Result<Forwarded>> Proxy::pass_on(std::unique_ptr<net::ClientStream> stream,
                                       ForwardSlots::Slot slot, bool is_head) {
    const net::ClientResponse& head = stream->head();
    Forwarded answer{.response = {},
                     .repo_rev = header_of(head, repo_rev_header),
                     .content_labelers = header_of(head, labelers_header),
                     .content_encoding = header_of(head, "content-encoding"),
                     .error_name = {}};
    net::Response& response = answer.response;
    response.status = head.status;
    response.content_type = header_of(head, "content-type");
    answer.is_json = response.content_type.empty() || is_json_type(response.content_type);
    pass_on_header(response, "Content-Encoding", answer.content_encoding);
    pass_on_header(response, "Content-Language", header_of(head, "content-language"));
    pass_on_header(response, "Atproto-Repo-Rev", answer.repo_rev);
    pass_on_header(response, "Atproto-Content-Labelers", answer.content_labelers);
    pass_on_header(response, "Retry-After", header_of(head, "retry-after"));
    response.source_size = content_length(head);
    if (is_head) co_return answer;
    if (response.source_size.value_or(0) > options_.response_bytes_max)
        co_return upstream_failure("The answer of the upstream service is too large");
    std::string_view first;
    if (response.source_size && *response.source_size <= limits::small_answer_bytes_max) {
        Result<std::string_view> piece = co_await stream->next();
        if (!piece.has_value())
            co_return upstream_failure("The answer of the upstream service broke off");
        first = *piece;
        if (first.size() == *response.source_size) {
            response.body = first;
            response.source_size.reset();
            if (!first.empty()) (void)co_await stream->next();  // the end: the connection is free
            co_return answer;
        }
    }
    response.source = std::make_unique<AnswerBody>(std::move(stream), std::move(slot),
                                                   options_.response_bytes_max, first);
    co_return answer;
}

Task<Forwarded> Proxy::refusal(std::unique_ptr<net::ClientStream> stream) {
    const net::ClientResponse& head = stream->head();
    Result<std::string> body = std::string();
    if (is_json_type(head.header("content-type")))
        body = co_await read_all(*stream, head.header("content-encoding"),
                                 limits::refusal_bytes_max, options_.headers_timeout_ms);
    Refusal said = read_refusal(head.status, body.has_value() ? *body : std::string());
    // It is their fault, not ours.
    const int status = head.status == 500 ? 502 : head.status;
    Forwarded answer{.response = error_response(status, said.name, said.message),
                     .repo_rev = header_of(head, repo_rev_header),
                     .content_labelers = header_of(head, labelers_header),
                     .content_encoding = {},
                     .error_name = std::move(said.name)};
    answer.error_message = std::move(said.message);
    pass_on_header(answer.response, "Atproto-Repo-Rev", answer.repo_rev);
    pass_on_header(answer.response, "Atproto-Content-Labelers", answer.content_labelers);
    pass_on_header(answer.response, "Retry-After", header_of(head, "retry-after"));
    co_return answer;
}

Task<Result<std::string>> Proxy::read(Forwarded& answer) {
    std::string body = std::move(answer.response.body);
    answer.response.body.clear();
    if (answer.response.source) {
        auto all = co_await read_all(*answer.response.source, answer.content_encoding,
                                     static_cast<std::size_t>(options_.response_bytes_max),
                                     options_.body_timeout_ms);
        answer.response.source.reset();
        answer.response.source_size.reset();
        if (!all.has_value())
            co_return upstream_failure("The answer of the upstream service broke off");
        co_return *std::move(all);
    }
    if (answer.content_encoding.empty() || answer.content_encoding == "identity") co_return body;
    std::string plain;
    net::Inflater inflater = CO_TRY(net::Inflater::make(answer.content_encoding));
    CO_TRY(inflater.append(body, plain, static_cast<std::size_t>(options_.response_bytes_max)));
    CO_TRY(inflater.finish());
    co_return plain;
}

}  // namespace roost::xrpc
