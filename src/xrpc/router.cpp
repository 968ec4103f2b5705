#include "xrpc/router.h"

#include <algorithm>

#include "atproto/data/json.h"
#include "atproto/lexicon/validate.h"
#include "base/check.h"
#include "pds/sync/refused_feed.h"
#include "xrpc/error.h"
#include "xrpc/limits.h"
#include "xrpc/proxy.h"

namespace roost::xrpc {

namespace {

constexpr std::string_view prefix = "/xrpc/";
// What one address may ask for altogether.
constexpr RateLimit global_limit{"global", 3'000, 5 * 60};

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

// The media type of a Content-Type header, lower case, without parameters.
std::string media_type(std::string_view header) {
    std::string type(header.substr(0, header.find(';')));
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t'))
        type.pop_back();
    return lower_case(std::move(type));
}

// A proxy may append a line of its own instead of lengthening the client's: all lines are one list.
std::string joined_header(const net::Request& request, std::string_view lower_case_name) {
    std::string joined;
    for (const net::Header& header : request.headers) {
        if (lower_case(std::string(header.name)) != lower_case_name) continue;
        if (!joined.empty()) joined += ',';
        joined += header.value;
    }
    return joined;
}

void keep_tighter(RateStatus& tightest, const RateStatus& status) {
    if (tightest.limit == 0 || status.is_exceeded ||
        (!tightest.is_exceeded && status.remaining < tightest.remaining))
        tightest = status;
}

// The text of a limit's key: whom it counts. It is the caller's DID, or put into `made`.
std::string_view limit_key(const MethodLimit& limit, const Call& call, const atproto::Object& data,
                           std::string& made) {
    if (limit.count_by == CountBy::account) {
        const atproto::Did* did = call.caller_did();
        check(did != nullptr, "who is counted by account has one");
        return did->text();
    }
    made = call.client.network().text();
    if (limit.count_by == CountBy::argument_and_address) {
        const atproto::Value* value = data.find(limit.argument);
        const std::string* text = value != nullptr ? value->as<std::string>() : nullptr;
        made += ' ';
        // Identifiers are the same in any case: spellings must not multiply the limit.
        if (text != nullptr) made += lower_case(*text);
    }
    return made;
}

}  // namespace

void Router::add_endpoint(std::string_view nsid, lexicon::Kind kind, Rule rule,
                          std::function<Answer(Call&, const atproto::Object&)> run) {
    const lexicon::Method* method = catalog_.method(nsid);
    check(method != nullptr, "a method that is served has a lexicon document");
    auto endpoint = std::make_unique<Endpoint>();
    endpoint->nsid = nsid;
    endpoint->kind = kind;
    endpoint->document = method;
    for (std::size_t i = 0; i < rule.limits.size(); ++i) {
        const std::string_view shared = rule.limits[i].shared_name;
        endpoint->limit_names.push_back(shared.empty() ? endpoint->nsid + "-" + std::to_string(i)
                                                       : std::string(shared));
        check(endpoint->limit_names.back().size() <= limits::rate_limit_name_bytes_max,
              "a limit's name is short");
    }
    endpoint->rule = std::move(rule);
    endpoint->run = std::move(run);
    const bool is_new = endpoints_.emplace(std::string(nsid), std::move(endpoint)).second;
    check(is_new, "a method is added once");
}

void Router::add_untyped(std::string_view nsid, Rule rule,
                         std::function<Answer(Call&, const atproto::Object&)> run) {
    const lexicon::Method* method = catalog_.method(nsid);
    check(method != nullptr && method->kind != lexicon::MethodKind::subscription,
          "a method that is served has a lexicon document");
    const lexicon::Kind kind = method->kind == lexicon::MethodKind::query
                                   ? lexicon::Kind::query
                                   : lexicon::Kind::procedure;
    add_endpoint(nsid, kind, std::move(rule), std::move(run));
}

void Router::add_elsewhere(std::string_view nsid, std::function<Answer(Call&)> run) {
    const bool is_new = elsewhere_.emplace(std::string(nsid), std::move(run)).second;
    check(is_new && !endpoints_.contains(nsid), "a method is added once");
}

std::vector<std::string_view> Router::methods() const {
    std::vector<std::string_view> names;
    for (const auto& [nsid, endpoint] : endpoints_)
        names.push_back(nsid);
    std::ranges::sort(names);
    return names;
}

net::IpAddress Router::client_address(const net::Request& request) const {
    net::IpAddress address = request.peer;
    if (!request.header("x-forwarded-for") || !options_.is_trusted_proxy ||
        !options_.is_trusted_proxy(address))
        return address;
    const std::string all_forwarded = joined_header(request, "x-forwarded-for");
    std::string_view forwarded = all_forwarded;
    // From the right: each proxy appended the address that it saw. The first that is not a proxy of
    // ours is the client; what stands left of it is the client's own invention.
    while (options_.is_trusted_proxy(address) && !forwarded.empty()) {
        const std::size_t comma = forwarded.rfind(',');
        std::string_view last =
            comma == std::string_view::npos ? forwarded : forwarded.substr(comma + 1);
        forwarded = comma == std::string_view::npos ? "" : forwarded.substr(0, comma);
        while (!last.empty() && last.front() == ' ')
            last.remove_prefix(1);
        while (!last.empty() && last.back() == ' ')
            last.remove_suffix(1);
        const std::optional<net::IpAddress> next = net::IpAddress::parse(last);
        if (!next) break;
        address = *next;
    }
    return address;
}

bool Router::is_limited(const Call& call) const {
    if (options_.rate_limits == RateLimits::off) return false;
    if (options_.is_bypassed && options_.is_bypassed(call.client)) return false;
    const std::optional<std::string_view> key = call.http.header("x-ratelimit-bypass");
    return !(key && !options_.bypass_key.empty() &&
             equal_in_constant_time(as_bytes(*key), as_bytes(options_.bypass_key.reveal())));
}

Result<void> Router::count(const Call& call, const Endpoint& endpoint, const atproto::Object& data,
                           RateStatus& tightest) {
    std::string made;
    for (std::size_t i = 0; i < endpoint.rule.limits.size(); ++i) {
        const MethodLimit& limit = endpoint.rule.limits[i];
        const RateStatus status =
            rates_.consume({endpoint.limit_names[i], limit.points, limit.window_s},
                           limit_key(limit, call, data, made), call.time, limit.cost(data));
        keep_tighter(tightest, status);
        if (status.is_exceeded) return rate_limited(status, call.time);
    }
    return {};
}

Task<Result<atproto::Object>> Router::read_input(Call& call, const Endpoint& endpoint) {
    net::Body& body = *call.http.body;
    if (!endpoint.document->input) {
        // Nothing is expected; an empty body is fine, whatever it is called.
        const std::string text = CO_TRY(co_await body.read_all(endpoint.rule.body_bytes_max));
        if (!text.empty())
            co_return Error::invalid("A request body was provided when none was expected");
        co_return atproto::Object();
    }
    const bool has_body = body.declared_size().value_or(1) > 0;
    if (!has_body) co_return Error::invalid("A request body is expected but none was provided");
    const std::string type = media_type(call.http.header("content-type").value_or(""));
    if (type.empty())
        co_return Error::invalid("Request encoding (Content-Type) required but not provided");
    const std::string_view encoding = endpoint.document->input->encoding;
    if (encoding != "*/*" && type != encoding)
        co_return Error::invalid("Wrong request encoding (Content-Type): " + type);
    // Bytes: the handler reads them itself.
    if (encoding != "application/json") co_return atproto::Object();
    const std::string text = CO_TRY(co_await body.read_all(endpoint.rule.body_bytes_max));
    atproto::Value value = CO_TRY(atproto::json::parse(text));
    CO_TRY(lexicon::validate_input(*endpoint.document, value));
    auto* object = std::get_if<atproto::Object>(&value.variant());
    check(object != nullptr, "a validated input is an object");
    co_return std::move(*object);
}

Task<Result<net::Response>> Router::walk(Call& call, const Endpoint& endpoint,
                                         RateStatus& tightest) {
    const bool is_query = endpoint.kind != lexicon::Kind::procedure;
    const bool is_right_method =
        is_query ? call.http.method == net::Method::get || call.http.method == net::Method::head
                 : call.http.method == net::Method::post;
    if (!is_right_method)
        co_return Error{Fault::not_allowed_method, "InvalidRequest",
                        "Incorrect HTTP method (" + std::string(call.http.method_text) +
                            ") expected " + (is_query ? "GET" : "POST")};
    if (endpoint.kind == lexicon::Kind::subscription)
        co_return co_await walk_to_stream(call, endpoint);
    atproto::Object data;
    if (is_query) data = CO_TRY(lexicon::parse_params(*endpoint.document, call.http.query));
    if (endpoint.rule.needs != Needs::nothing)
        call.caller = CO_TRY(co_await authenticator_.authenticate(call, endpoint.rule));
    if (!is_query) data = CO_TRY(co_await read_input(call, endpoint));
    if (!endpoint.rule.limits.empty() && is_limited(call))
        CO_TRY(count(call, endpoint, data, tightest));
    co_return co_await endpoint.run(call, data);
}

Task<Result<net::Response>> Router::walk_elsewhere(Call& call) {
    if (options_.proxy == nullptr || !options_.proxy->has_target(call))
        co_return Error{Fault::not_implemented, "MethodNotImplemented", "Method Not Implemented"};
    if (call.http.method != net::Method::get && call.http.method != net::Method::head &&
        call.http.method != net::Method::post)
        co_return Error{Fault::not_allowed_method, "InvalidRequest",
                        "XRPC requests only supports GET and POST"};
    call.caller =
        CO_TRY(co_await authenticator_.authenticate(call, {.needs = Needs::standard_access}));
    const auto ours = elsewhere_.find(call.nsid);
    const bool is_read = call.http.method != net::Method::post && call.http.method_text != "HEAD";
    if (is_read && ours != elsewhere_.end()) co_return co_await ours->second(call);
    co_return co_await options_.proxy->forward(call);
}

// https://atproto.com/specs/event-stream#connection
Task<Result<net::Response>> Router::walk_to_stream(Call& call, const Endpoint& endpoint) {
    if (const Result<void> upgrade = net::check_upgrade(call.http); !upgrade.has_value()) {
        const Error& error = upgrade.error();
        if (error.name != "UpgradeRequired") co_return error;
        net::Response response = error_response(426, error.name, error.message);
        response.add_header("Upgrade", "websocket");
        response.add_header("Sec-WebSocket-Version", "13");
        co_return response;
    }
    Result<atproto::Object> data = lexicon::parse_params(*endpoint.document, call.http.query);
    if (!data.has_value()) {
        net::Response response;
        response.status = 101;
        response.websocket = pds::refused_feed(data.error());
        co_return response;
    }
    call.caller = CO_TRY(co_await authenticator_.authenticate(call, endpoint.rule));
    co_return co_await endpoint.run(call, *data);
}

Router::Answer Router::answer_stream(Task<Result<std::shared_ptr<net::WebSocketFeed>>> task) {
    net::Response response;
    response.status = 101;
    response.websocket = CO_TRY(co_await std::move(task));
    co_return response;
}

Task<net::Response> Router::handle(net::Request& request) {
    const std::int64_t started_us = monotonic_us();
    const std::string_view nsid = request.path.substr(std::min(request.path.size(), prefix.size()));
    const auto found = endpoints_.find(nsid);
    const Endpoint* endpoint = found != endpoints_.end() ? found->second.get() : nullptr;
    Call call{.http = request,
              .nsid = endpoint != nullptr || atproto::Nsid::parse(nsid).has_value()
                          ? nsid
                          : std::string_view(),
              .request_id = ++last_request_id_,
              .client = client_address(request),
              .time = now()};
    RateStatus tightest;
    Result<net::Response> result = net::Response();
    if (is_limited(call)) {
        tightest = rates_.consume(global_limit, call.client.network().text(), call.time);
        if (tightest.is_exceeded) result = rate_limited(tightest, call.time);
    }
    if (!result.has_value()) {
        // Refused before anything was looked at.
    } else if (call.nsid.empty()) {
        result = Error::invalid("invalid xrpc path");
    } else {
        try {
            result = endpoint != nullptr ? co_await walk(call, *endpoint, tightest)
                                         : co_await walk_elsewhere(call);
        } catch (const std::exception& exception) {
            log::error("a call failed", {{"request_id", call.request_id},
                                         {"nsid", call.nsid},
                                         {"reason", exception.what()}});
            result = Error{Fault::internal, "InternalServerError", "Internal Server Error"};
        }
    }
    net::Response response =
        result.has_value() ? *std::move(result) : error_response(result.error());
    finish(call, response, tightest);
    observer_.on_call(call, response.status, monotonic_us() - started_us);
    co_return response;
}

void Router::finish(const Call& call, net::Response& response, const RateStatus& tightest) {
    if (tightest.limit > 0) add_rate_headers(response, tightest);
    if (call.http.header("authorization")) {
        response.add_header("Cache-Control", "private");
        response.add_header("Vary", "Authorization");
    }
}

}  // namespace roost::xrpc
