#include "pds/identity/plc_client.h"

#include "atproto/data/json.h"
#include "base/log.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

namespace json = atproto::json;

// The directory says why in {"message": …}.
std::string reason_of(const net::ClientResponse& response) {
    if (Result<atproto::Value> body = json::parse(response.body); body.has_value())
        if (const auto* object = body->as<atproto::Object>())
            if (const atproto::Value* message = object->find("message"))
                if (const auto* text = message->as<std::string>()) return *text;
    return "The PLC directory answered with status " + std::to_string(response.status);
}

bool is_absence(const net::ClientResponse& response) {
    return response.status == 404 || response.status == 410;
}

// The texts of an object of texts, or of a list of texts.
std::vector<std::string> texts_of(const atproto::Value* list) {
    std::vector<std::string> texts;
    if (list == nullptr) return texts;
    if (const auto* items = list->as<atproto::Array>())
        for (const atproto::Value& item : *items)
            if (const auto* text = item.as<std::string>()) texts.push_back(*text);
    return texts;
}

std::string text_of(const atproto::Object& object, std::string_view name) {
    const atproto::Value* value = object.find(name);
    const std::string* text = value != nullptr ? value->as<std::string>() : nullptr;
    return text != nullptr ? *text : std::string();
}

// The answer of GET /DID/data.
Result<atproto::plc::State> parse_state(std::string_view body) {
    const atproto::Value value = TRY(json::parse(body));
    const auto* object = value.as<atproto::Object>();
    if (object == nullptr)
        return Error{Fault::upstream_failed, "UpstreamFailure",
                     "The PLC directory's answer is not an object"};
    atproto::plc::State state;
    state.rotation_keys = texts_of(object->find("rotationKeys"));
    state.also_known_as = texts_of(object->find("alsoKnownAs"));
    if (const atproto::Value* methods = object->find("verificationMethods"))
        if (const auto* entries = methods->as<atproto::Object>())
            for (const auto& [name, key] : *entries)
                if (const auto* text = key.as<std::string>())
                    state.verification_methods.emplace_back(name, *text);
    if (const atproto::Value* services = object->find("services"))
        if (const auto* entries = services->as<atproto::Object>())
            for (const auto& [name, service] : *entries)
                if (const auto* fields = service.as<atproto::Object>())
                    state.services.emplace_back(
                        name, atproto::plc::Service{text_of(*fields, "type"),
                                                    text_of(*fields, "endpoint")});
    return state;
}

}  // namespace

Task<PlcClient::Submission> PlcClient::submit(atproto::Did did, std::string operation_json) {
    net::ClientRequest request{
        .method = net::Method::post,
        .url = url_ + "/" + did.text(),
        .headers = {},
        .body = std::move(operation_json),
        .content_type = "application/json",
        .policy = net::AddressPolicy::configured,
        .response_bytes_max = limits::plc_answer_bytes_max,
        .timeout_ms = limits::plc_timeout_ms,
    };
    Result<net::ClientResponse> response = co_await http_.send(std::move(request));
    if (!response.has_value()) {
        log::warn("the PLC directory cannot be reached", {{"reason", response.error().message}});
        co_return Submission{Outcome::unknown, response.error().message};
    }
    if (response->status >= 200 && response->status < 300)
        co_return Submission{Outcome::accepted, ""};
    std::string reason = reason_of(*response);
    log::warn("the PLC directory did not accept an operation",
              {{"did", did.text()}, {"status", response->status}, {"reason", reason}});
    const bool is_final = response->status >= 400 && response->status < 500 &&
                          response->status != 408 && response->status != 429;
    co_return Submission{is_final ? Outcome::refused : Outcome::unknown, std::move(reason)};
}

Task<Result<net::ClientResponse>> PlcClient::get(std::string url, int timeout_ms) {
    net::ClientRequest request{
        .url = std::move(url),
        .headers = {},
        .body = {},
        .content_type = {},
        .policy = net::AddressPolicy::configured,
        .response_bytes_max = limits::plc_answer_bytes_max,
        .timeout_ms = timeout_ms,
    };
    net::ClientResponse response = CO_TRY(co_await http_.send(std::move(request)));
    if (response.status == 200 || is_absence(response)) co_return response;
    co_return Error{Fault::upstream_failed, "UpstreamFailure", reason_of(response)};
}

Task<Result<std::optional<atproto::plc::State>>> PlcClient::state(atproto::Did did) {
    const net::ClientResponse response =
        CO_TRY(co_await get(url_ + "/" + did.text() + "/data", limits::plc_timeout_ms));
    if (is_absence(response)) co_return std::optional<atproto::plc::State>();
    co_return std::optional(CO_TRY(parse_state(response.body)));
}

Task<Result<std::optional<atproto::plc::Operation>>> PlcClient::last_operation(atproto::Did did) {
    const net::ClientResponse response =
        CO_TRY(co_await get(url_ + "/" + did.text() + "/log/last", limits::plc_timeout_ms));
    if (is_absence(response)) co_return std::optional<atproto::plc::Operation>();
    const Result<atproto::Value> value = json::parse(response.body);
    Result<atproto::plc::Operation> operation =
        value.has_value() ? atproto::plc::Operation::parse(*value) : value.error();
    if (!operation.has_value())
        co_return Error{
            Fault::upstream_failed, "UpstreamFailure",
            "The PLC directory's last operation cannot be read: " + operation.error().message};
    co_return std::optional(*std::move(operation));
}

Task<Result<PlcClient::Document>> PlcClient::document(atproto::Did did, int timeout_ms) {
    const bool has_fallback = !fallback_url_.empty();
    const int first_ms = has_fallback ? timeout_ms / 2 : timeout_ms;
    Result<net::ClientResponse> response = co_await get(url_ + "/" + did.text(), first_ms);
    if (!response.has_value() && has_fallback) {
        // That it knows nothing there says nothing: it may not have been told yet.
        Result<net::ClientResponse> other =
            co_await get(fallback_url_ + "/" + did.text(), timeout_ms - first_ms);
        if (other.has_value() && !is_absence(*other)) response = std::move(other);
    }
    if (!response.has_value()) co_return response.error();
    if (is_absence(*response)) co_return Document{.text = {}, .was_ended = response->status == 410};
    co_return Document{.text = std::move(response->body)};
}

}  // namespace roost::pds
