#include "pds/lexicons/publication.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "atproto/data/cbor.h"
#include "atproto/repo/record_proof.h"
#include "base/clock.h"
#include "net/url.h"
#include "pds/lexicons/limits.h"

namespace roost::pds {

namespace {

constexpr std::string_view collection = "com.atproto.lexicon.schema";
constexpr std::string_view txt_prefix = "did=";

Error failed(std::string message) {
    return {Fault::upstream_failed, "LexiconNotFound", std::move(message)};
}

// For one step; the clients refuse a time that is over.
int ms_until(std::int64_t deadline_us) {
    return static_cast<int>(std::max<std::int64_t>(1, (deadline_us - monotonic_us()) / 1'000));
}

Result<Publications::Published> parse(const atproto::Nsid& nsid, ByteView record) {
    if (record.size() > limits::lexicon_document_bytes_max)
        return failed("the document has more than " +
                      std::to_string(limits::lexicon_document_bytes_max) + " bytes");
    const atproto::Value value = TRY(atproto::cbor::decode(record));
    const auto* object = value.as<atproto::Object>();
    const atproto::Value* type = object != nullptr ? object->find("$type") : nullptr;
    if (type == nullptr || *type != atproto::Value(collection))
        return failed("the record is not a " + std::string(collection));
    lexicon::Document document = TRY(lexicon::parse_document(value, lexicon::Extras::ignored));
    if (document.id != nsid.text()) return failed("the document is of " + document.id);
    return Publications::Published{std::move(document), record.size()};
}

// The part of an endpoint that requests start with; nothing if it has a path of its own.
std::optional<std::string> origin_of(const std::string& endpoint) {
    const std::optional<net::Url> url = net::Url::parse(endpoint);
    if (!url || url->target != "/") return std::nullopt;
    return (url->is_https ? "https://" : "http://") + url->host_header;
}

}  // namespace

std::string publisher_name(const atproto::Nsid& nsid) {
    std::string name = "_lexicon";
    std::string_view rest = nsid.text();
    rest = rest.substr(0, rest.rfind('.'));
    while (!rest.empty()) {
        const std::size_t dot = rest.rfind('.');
        const std::size_t start = dot == std::string_view::npos ? 0 : dot + 1;
        name.append(1, '.').append(rest.substr(start));
        rest = rest.substr(0, dot == std::string_view::npos ? 0 : dot);
    }
    return name;
}

Task<Result<atproto::Did>> Publications::publisher(atproto::Nsid nsid, std::int64_t deadline_us) {
    const std::string name = publisher_name(nsid);
    const Result<std::vector<std::string>> records =
        co_await http_.resolve_txt(name, ms_until(deadline_us));
    if (!records.has_value())
        co_return failed("the DNS cannot be asked for " + name + ": " + records.error().message);
    std::optional<atproto::Did> found;
    for (const std::string& record : *records) {
        if (!record.starts_with(txt_prefix)) continue;
        Result<atproto::Did> did = atproto::Did::parse(record.substr(txt_prefix.size()));
        if (!did.has_value()) continue;
        if (found && *found != *did) co_return failed(name + " names more than one DID");
        found = *std::move(did);
    }
    if (!found) co_return failed(name + " has no TXT record with a DID");
    co_return *std::move(found);
}

Task<Result<Bytes>> Publications::record(atproto::Nsid nsid, atproto::DidDocument document,
                                         std::int64_t deadline_us) {
    const atproto::Did did = document.did();
    const std::optional<std::string> endpoint = document.pds_endpoint();
    const std::optional<std::string> origin = endpoint ? origin_of(*endpoint) : std::nullopt;
    const std::optional<atproto::PublicKey> key = document.signing_key();
    if (!origin || !key) co_return failed("the document of " + did.text() + " names no repository");
    net::ClientRequest request{
        .url = *origin + "/xrpc/com.atproto.sync.getRecord?did=" + net::percent_encode(did.text()) +
               "&collection=" + std::string(collection) + "&rkey=" + nsid.text(),
        .headers = {},
        .body = {},
        .content_type = {},
        .response_bytes_max = limits::lexicon_proof_bytes_max,
        .timeout_ms = ms_until(deadline_us),
    };
    const Result<net::ClientResponse> response = co_await http_.send(std::move(request));
    if (!response.has_value()) co_return failed(*origin + ": " + response.error().message);
    if (response->status != 200)
        co_return failed(*origin + " answered with status " + std::to_string(response->status));
    atproto::ProvenRecord proven = CO_TRY(
        atproto::verify_record_proof(as_bytes(response->body),
                                     {.bytes_max = limits::lexicon_proof_bytes_max,
                                      .blocks_max = limits::lexicon_proof_blocks_max},
                                     did, *key, std::string(collection) + "/" + nsid.text()));
    if (!proven.value) co_return failed(did.text() + " does not publish it");
    co_return *std::move(proven.value);
}

Task<Result<Publications::Published>> Publications::find(atproto::Nsid nsid,
                                                         std::int64_t deadline_us) {
    const atproto::Did did = CO_TRY(co_await publisher(nsid, deadline_us));
    const FoundDocument remembered = co_await resolver_.remembered_did_document(did, now());
    if (!remembered.has_value())
        co_return failed(did.text() + " cannot be resolved: " + remembered.error().message);
    if (!remembered->has_value()) co_return failed("there is no " + did.text());
    const Result<Bytes> found = co_await record(nsid, **remembered, deadline_us);
    if (found.has_value()) co_return parse(nsid, *found);
    // It may have moved, or changed its key.
    const FoundDocument fresh = co_await resolver_.did_document(did);
    const bool has_changed =
        fresh.has_value() && fresh->has_value() && (*fresh)->value() != (*remembered)->value();
    if (!has_changed) co_return found.error();
    co_return parse(nsid, CO_TRY(co_await record(nsid, **fresh, deadline_us)));
}

}  // namespace roost::pds
