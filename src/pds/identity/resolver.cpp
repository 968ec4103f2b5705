#include "pds/identity/resolver.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "atproto/data/json.h"
#include "pds/identity/limits.h"
#include "pds/identity_error_names.h"
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

// Whether a server means to give out JSON, or does not know what it gives out. A page for people is
// no document, whatever is written on it.
bool may_be_json(std::string_view content_type) {
    const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
    std::string lower(type);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower.empty() || lower == "application/json" || lower.ends_with("+json") ||
           lower == "text/plain" || lower == "application/octet-stream";
}

Found<KnownDid> parse_document(const atproto::Did& did, const Result<PlcClient::Document>& answer) {
    if (!answer.has_value()) return answer.error();
    if (answer->was_ended) return std::optional(KnownDid{});
    if (!answer->text) return std::optional<KnownDid>();
    Result<atproto::Value> value = atproto::json::parse(*answer->text);
    Result<atproto::DidDocument> document =
        value.has_value() ? atproto::DidDocument::parse(did, *std::move(value)) : value.error();
    if (!document.has_value())
        return Error{Fault::upstream_failed, "UpstreamFailure",
                     "What was found for " + did.text() +
                         " is no DID document: " + document.error().message};
    return std::optional(KnownDid{*std::move(document)});
}

FoundDocument document_of(const atproto::Did& did, const Found<KnownDid>& known) {
    if (!known.has_value()) return known.error();
    if (!known->has_value()) return std::optional<atproto::DidDocument>();
    if (!(*known)->document)
        return refusal(did.text() + " was ended by its owner", error_names::DidDeactivated);
    return (*known)->document;
}

Error asked_too_often(std::string_view host) {
    return Error::unavailable(std::string(host) + " was asked too often; try again in a minute",
                              limits::fetch_window_s, "TooManyLookUps");
}

// Not an absence: what was found before may still be so.
Error trouble(const std::string& host, int status) {
    return {Fault::upstream_failed, "UpstreamFailure",
            host + " answered with status " + std::to_string(status)};
}

// The other side is there, and has trouble.
bool is_outage(const Error& error) {
    return error.fault != Fault::upstream_failed || net::was_sent(error);
}

// What the TXT records of a handle say.
struct Claim {
    std::optional<atproto::Did> did;
    bool is_contradictory = false;
};

Claim claim_of(const std::vector<std::string>& records) {
    Claim claim;
    for (const std::string& record : records) {
        if (!record.starts_with(txt_prefix)) continue;
        Result<atproto::Did> did = atproto::Did::parse(record.substr(txt_prefix.size()));
        if (!did.has_value()) continue;
        if (claim.did && *claim.did != *did) return {.did = {}, .is_contradictory = true};
        claim.did = *std::move(did);
    }
    return claim;
}

template <class T>
LookUpCache<T>::Options cache_options(Resolver::Ages ages, std::size_t entries,
                                      std::size_t bytes_each) {
    return {.stale_ms = ages.stale_ms,
            .max_ms = ages.max_ms,
            .retry_ms = limits::did_retry_ms,
            .entries_max = entries,
            .bytes_max = entries * bytes_each,
            .flights_max = std::numeric_limits<std::size_t>::max()};
}

}  // namespace

Resolver::Resolver(net::HttpClient& http, PlcClient& plc, Options options)
    : http_(http),
      plc_(plc),
      timeout_ms_(options.timeout_ms),
      dids_(cache_options<KnownDid>(options.ages, limits::cached_did_documents_max,
                                    limits::cached_did_document_bytes_max)),
      handles_(cache_options<atproto::Did>(
          {.stale_ms = limits::handle_stale_ms, .max_ms = limits::handle_age_ms_max},
          limits::cached_handles_max, 1)) {}

Task<Result<PlcClient::Document>> Resolver::web_document(atproto::Did did, Timestamp time) {
    // Only host-level did:web is part of the protocol; a port is allowed for localhost only, which
    // the client's address policy refuses in production.
    const std::string_view host = std::string_view(did.text()).substr(std::size("did:web:") - 1);
    const std::optional<std::string> name = net::percent_decode(host, net::UrlPart::path);
    if (!name || host.find(':') != std::string_view::npos || !is_host_and_port(*name))
        co_return PlcClient::Document{};
    if (!hosts_.take(*name, time)) co_return asked_too_often(*name);
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
    if (response.status >= 500) co_return trouble(*name, response.status);
    if (response.status != 200) co_return PlcClient::Document{};
    if (const std::string_view type = response.header("content-type"); !may_be_json(type))
        co_return Error{Fault::upstream_failed, "UpstreamFailure",
                        *name + " gives its DID document out as " + std::string(type)};
    co_return PlcClient::Document{.text = std::move(response.body)};
}

Task<Found<KnownDid>> Resolver::look_up(atproto::Did did, Timestamp time) {
    Result<PlcClient::Document> answer = PlcClient::Document{};
    if (did.method() == "plc")
        answer = co_await plc_.document(did, timeout_ms_);
    else if (did.method() == "web")
        answer = co_await web_document(did, time);
    Found<KnownDid> found = parse_document(did, answer);
    const std::size_t size =
        answer.has_value() && answer->text.has_value() ? answer->text->size() : 0;
    if (size <= limits::cached_did_document_bytes_max) dids_.store(did.text(), found, size, time);
    co_return found;
}

Task<FoundDocument> Resolver::did_document(atproto::Did did) {
    const Found<KnownDid> known = co_await look_up(did, now());
    co_return document_of(did, known);
}

Task<void> Resolver::fly(atproto::Did did, std::shared_ptr<Flight<KnownDid>> flight,
                         Timestamp time) {
    Found<KnownDid> found = co_await look_up(did, time);
    dids_.end_flight(did.text());
    flight->land(std::move(found));
}

Task<FoundDocument> Resolver::remembered_did_document(atproto::Did did, Timestamp time) {
    DidCache::Answer answer = dids_.ask(did.text(), time);
    // Detached: it is for everybody who asks, also when the first has gone.
    if (answer.must_fly) start_detached(fly(did, answer.flight, time));
    if (answer.remembered) co_return document_of(did, *answer.remembered);
    const Found<KnownDid> landed = *co_await answer.flight->landing();
    co_return document_of(did, landed);
}

Task<FoundDid> Resolver::handle_by_web(atproto::Handle handle, int timeout_ms) {
    net::ClientRequest request{
        .url = "https://" + handle.text() + "/.well-known/atproto-did",
        .headers = {},
        .body = {},
        .content_type = {},
        .response_bytes_max = limits::handle_answer_bytes_max,
        .timeout_ms = timeout_ms,
    };
    const net::ClientResponse response = CO_TRY(co_await http_.send(std::move(request)));
    if (response.status >= 500) co_return trouble(handle.text(), response.status);
    if (response.status != 200) co_return std::optional<atproto::Did>();
    const std::string_view body = trimmed(response.body);
    Result<atproto::Did> did = atproto::Did::parse(trimmed(body.substr(0, body.find('\n'))));
    if (!did.has_value()) co_return std::optional<atproto::Did>();
    co_return std::optional(*std::move(did));
}

Task<FoundDid> Resolver::find_handle(atproto::Handle handle, Timestamp time) {
    if (!hosts_.take(handle.text(), time)) co_return asked_too_often(handle.text());
    const std::int64_t end_us = monotonic_us() + std::int64_t{timeout_ms_} * 1'000;
    const auto rest_ms = [end_us] {
        return static_cast<int>(std::max<std::int64_t>(1, (end_us - monotonic_us()) / 1'000));
    };
    const std::string name = "_atproto." + handle.text();
    const Result<std::vector<std::string>> records =
        co_await http_.resolve_txt(name, timeout_ms_ / 2);
    const Claim claim = records.has_value() ? claim_of(*records) : Claim{};
    if (claim.did) co_return claim.did;
    if (claim.is_contradictory) co_return std::optional<atproto::Did>();
    const FoundDid by_web = co_await handle_by_web(handle, rest_ms() * 3 / 4 + 1);
    if (by_web.has_value() && by_web->has_value()) co_return by_web;
    const Result<std::vector<std::string>> others =
        co_await http_.resolve_txt_by_backup(name, rest_ms());
    if (others.has_value())
        if (const Claim backup = claim_of(*others); backup.did) co_return backup.did;
    // A domain without a web server is no failure, if its name servers say that they know nothing.
    if (by_web.has_value() || (records.has_value() && !is_outage(by_web.error())))
        co_return std::optional<atproto::Did>();
    co_return by_web.error();
}

Task<FoundDid> Resolver::look_up_handle(atproto::Handle handle, Timestamp time) {
    FoundDid found = co_await find_handle(handle, time);
    handles_.store(handle.text(), found, 1, time);
    co_return found;
}

Task<FoundDid> Resolver::handle(atproto::Handle handle) {
    return look_up_handle(std::move(handle), now());
}

Task<void> Resolver::fly_for_handle(atproto::Handle handle,
                                    std::shared_ptr<Flight<atproto::Did>> flight, Timestamp time) {
    FoundDid found = co_await look_up_handle(handle, time);
    handles_.end_flight(handle.text());
    flight->land(std::move(found));
}

Task<FoundDid> Resolver::remembered_handle(atproto::Handle handle, Timestamp time) {
    HandleCache::Answer answer = handles_.ask(handle.text(), time);
    if (answer.must_fly) start_detached(fly_for_handle(handle, answer.flight, time));
    if (answer.remembered) co_return *std::move(answer.remembered);
    co_return *co_await answer.flight->landing();
}

}  // namespace roost::pds
