#include "pds/identity/resolver.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "atproto/data/json.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

constexpr std::string_view txt_prefix = "did=";

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ')
        text.remove_suffix(1);
    while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ')
        text.remove_prefix(1);
    return text;
}

// What an escape in a DID decodes to must not end the host part of a URL.
bool is_host_and_port(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '.' || c == ':';
    });
}

FoundDocument parse_document(const atproto::Did& did,
                             const Result<std::optional<std::string>>& text) {
    if (!text.has_value()) return text.error();
    if (!text->has_value()) return std::optional<atproto::DidDocument>();
    atproto::Value document = TRY(atproto::json::parse(**text));
    return std::optional(TRY(atproto::DidDocument::parse(did, std::move(document))));
}

}  // namespace

Resolver::Resolver(net::HttpClient& http, PlcClient& plc, Options options)
    : http_(http),
      plc_(plc),
      timeout_ms_(options.timeout_ms),
      cache_({.stale_ms = options.ages.stale_ms,
              .max_ms = options.ages.max_ms,
              .retry_ms = limits::did_retry_ms,
              .entries_max = limits::cached_did_documents_max,
              .bytes_max = limits::cached_did_documents_max * limits::cached_did_document_bytes_max,
              .flights_max = std::numeric_limits<std::size_t>::max()}) {}

Task<Result<std::optional<std::string>>> Resolver::web_document(atproto::Did did) {
    // Only host-level did:web is part of the protocol; a port is allowed for localhost only, which
    // the client's address policy refuses in production.
    const std::string_view host = std::string_view(did.text()).substr(std::size("did:web:") - 1);
    const std::optional<std::string> name = net::percent_decode(host, net::UrlPart::path);
    if (!name || host.find(':') != std::string_view::npos || !is_host_and_port(*name))
        co_return std::optional<std::string>();
    const bool is_local = *name == "localhost" || name->starts_with("localhost:");
    net::ClientRequest request{
        .url = (is_local ? "http://" : "https://") + *name + "/.well-known/did.json",
        .headers = {},
        .body = {},
        .content_type = {},
        .response_bytes_max = limits::did_document_bytes_max,
        .timeout_ms = timeout_ms_,
    };
    net::ClientResponse response = CO_TRY(co_await http_.send(std::move(request)));
    if (response.status != 200) co_return std::optional<std::string>();
    co_return std::optional(std::move(response.body));
}

Task<FoundDocument> Resolver::look_up(atproto::Did did, Timestamp time) {
    Result<std::optional<std::string>> text = std::optional<std::string>();
    if (did.method() == "plc")
        text = co_await plc_.document(did, timeout_ms_);
    else if (did.method() == "web")
        text = co_await web_document(did);
    FoundDocument found = parse_document(did, text);
    const std::size_t size = text.has_value() && text->has_value() ? (*text)->size() : 0;
    if (size <= limits::cached_did_document_bytes_max) cache_.store(did.text(), found, size, time);
    co_return found;
}

Task<FoundDocument> Resolver::did_document(atproto::Did did) {
    return look_up(std::move(did), now());
}

Task<void> Resolver::fly(atproto::Did did, std::shared_ptr<Flight<atproto::DidDocument>> flight,
                         Timestamp time) {
    FoundDocument found = co_await look_up(did, time);
    cache_.end_flight(did.text());
    flight->land(std::move(found));
}

Task<FoundDocument> Resolver::remembered_did_document(atproto::Did did, Timestamp time) {
    DidCache::Answer answer = cache_.ask(did.text(), time);
    // Detached: it is for everybody who asks, also when the first has gone.
    if (answer.must_fly) start_detached(fly(did, answer.flight, time));
    if (answer.remembered) co_return *std::move(answer.remembered);
    co_return *co_await answer.flight->landing();
}

Task<std::optional<atproto::Did>> Resolver::handle(atproto::Handle handle) {
    Result<std::vector<std::string>> records =
        co_await http_.resolve_txt("_atproto." + handle.text(), timeout_ms_);
    std::optional<atproto::Did> found;
    if (records.has_value()) {
        for (const std::string& record : *records) {
            if (!record.starts_with(txt_prefix)) continue;
            Result<atproto::Did> did = atproto::Did::parse(record.substr(txt_prefix.size()));
            if (!did.has_value()) continue;
            // Two different claims are no claim.
            if (found && *found != *did) co_return std::nullopt;
            found = *std::move(did);
        }
    }
    if (found) co_return found;
    net::ClientRequest request{
        .url = "https://" + handle.text() + "/.well-known/atproto-did",
        .headers = {},
        .body = {},
        .content_type = {},
        .response_bytes_max = limits::handle_answer_bytes_max,
        .timeout_ms = timeout_ms_,
    };
    Result<net::ClientResponse> response = co_await http_.send(std::move(request));
    if (!response.has_value() || response->status != 200) co_return std::nullopt;
    Result<atproto::Did> did = atproto::Did::parse(trimmed(response->body));
    if (!did.has_value()) co_return std::nullopt;
    co_return *std::move(did);
}

}  // namespace roost::pds
