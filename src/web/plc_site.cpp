#include "web/plc_site.h"

#include <algorithm>
#include <charconv>

#include "atproto/data/json.h"
#include "atproto/plc/did_document.h"
#include "atproto/plc/operation.h"
#include "base/check.h"

namespace roost::web {

namespace {

namespace plc = atproto::plc;
using Entry = pds::PlcDirectory::Entry;
using atproto::Object;
using atproto::Value;

// The directory refuses longer operations than 7,500 bytes of CBOR; JSON is at most twice that.
constexpr std::size_t operation_bytes_max = 16 * 1024;
constexpr std::int64_t export_default = 10;
constexpr std::int64_t export_max = 1'000;

net::Response json_response(const Value& value) {
    net::Response response;
    response.content_type = "application/json; charset=utf-8";
    response.body = atproto::json::write(value);
    return response;
}

net::Response message_response(int status, std::string message) {
    net::Response response = json_response(Object{{"message", std::move(message)}});
    response.status = status;
    return response;
}

Value stored(const std::string& json) {
    Result<Value> value = atproto::json::parse(json);
    check(value.has_value(), "a stored operation is valid");
    return *std::move(value);
}

Value audit_entry(const Entry& entry) {
    return Object{{"did", entry.did.text()},
                  {"operation", stored(entry.operation)},
                  {"cid", entry.cid},
                  {"nullified", entry.is_nullified},
                  {"createdAt", to_iso8601(entry.created_at)}};
}

Value state_value(const atproto::Did& did, const plc::State& state) {
    atproto::Array rotation_keys(state.rotation_keys.begin(), state.rotation_keys.end());
    atproto::Array aliases(state.also_known_as.begin(), state.also_known_as.end());
    Object methods;
    for (const auto& [name, key] : state.verification_methods)
        methods.set(name, key);
    Object services;
    for (const auto& [name, service] : state.services)
        services.set(name, Object{{"type", service.type}, {"endpoint", service.endpoint}});
    return Object{{"did", did.text()},
                  {"verificationMethods", std::move(methods)},
                  {"rotationKeys", std::move(rotation_keys)},
                  {"alsoKnownAs", std::move(aliases)},
                  {"services", std::move(services)}};
}

}  // namespace

net::Response PlcSite::error_response(int status, std::string_view, std::string_view message) {
    return message_response(status, std::string(message));
}

Task<net::Response> PlcSite::handle(net::Request& request) {
    std::string_view path = request.path.substr(std::min<std::size_t>(1, request.path.size()));
    const bool is_read = request.method == net::Method::get || request.method == net::Method::head;
    if (is_read && path == "_health") co_return json_response(Object{{"version", "roost"}});
    if (is_read && path == "export") co_return co_await export_all(request);
    const std::size_t slash = path.find('/');
    const std::string_view what = slash == std::string_view::npos ? "" : path.substr(slash + 1);
    const auto did_text = net::percent_decode(path.substr(0, slash), net::UrlPart::path);
    const Result<atproto::Did> did = atproto::Did::parse(did_text.value_or(""));
    if (!did.has_value() || did->method() != "plc") co_return message_response(404, "Not Found");
    if (is_read) co_return co_await read(*did, what);
    if (request.method == net::Method::post && what.empty())
        co_return co_await submit(request, *did);
    co_return message_response(404, "Not Found");
}

Task<net::Response> PlcSite::submit(net::Request& request, atproto::Did did) {
    Result<std::string> body = co_await request.body->read_all(operation_bytes_max);
    if (!body.has_value()) co_return message_response(400, body.error().message);
    const Result<void> done = co_await directory_.submit(did, *std::move(body), now());
    if (!done.has_value())
        co_return message_response(done.error().fault == Fault::invalid ? 400 : 500,
                                   done.error().message);
    co_return net::Response();
}

Task<net::Response> PlcSite::read(atproto::Did did, std::string_view what) {
    const std::string wanted(what);
    const Result<std::vector<Entry>> log = co_await directory_.log(did);
    if (!log.has_value()) co_return message_response(500, log.error().message);
    if (log->empty()) co_return message_response(404, "DID not registered: " + did.text());
    atproto::Array operations;
    atproto::Array audit;
    const Entry* last = nullptr;
    for (const Entry& entry : *log) {
        audit.push_back(audit_entry(entry));
        if (entry.is_nullified) continue;
        operations.push_back(stored(entry.operation));
        last = &entry;
    }
    check(last != nullptr, "a log has an operation that stands");
    if (wanted == "log") co_return json_response(std::move(operations));
    if (wanted == "log/audit") co_return json_response(std::move(audit));
    if (wanted == "log/last") co_return json_response(operations.back());
    const Result<plc::Operation> operation = plc::Operation::parse(operations.back());
    check(operation.has_value(), "a stored operation is valid");
    if (operation->kind() == plc::Kind::tombstone)
        co_return message_response(410, "DID not available: " + did.text());
    if (wanted == "data") co_return json_response(state_value(did, operation->state()));
    if (!wanted.empty()) co_return message_response(404, "Not Found");
    net::Response response = json_response(atproto::format_did_document(did, operation->state()));
    response.content_type = "application/did+ld+json; charset=utf-8";
    co_return response;
}

Task<net::Response> PlcSite::export_all(const net::Request& request) {
    std::int64_t count = export_default;
    const std::string count_text = net::query_parameter(request.query, "count").value_or("");
    std::from_chars(count_text.data(), count_text.data() + count_text.size(), count);
    Timestamp after;
    const std::string after_text = net::query_parameter(request.query, "after").value_or("");
    if (!after_text.empty()) {
        const Result<Timestamp> time = atproto::is_datetime(after_text)
                                           ? atproto::parse_datetime(after_text)
                                           : Error::invalid("after must be a datetime");
        if (!time.has_value()) co_return message_response(400, time.error().message);
        after = *time;
    }
    const Result<std::vector<Entry>> entries =
        co_await directory_.export_after(after, std::clamp<std::int64_t>(count, 1, export_max));
    if (!entries.has_value()) co_return message_response(500, entries.error().message);
    net::Response response;
    response.content_type = "application/jsonlines";
    for (const Entry& entry : *entries)
        response.body += atproto::json::write(audit_entry(entry)) + "\n";
    co_return response;
}

}  // namespace roost::web
