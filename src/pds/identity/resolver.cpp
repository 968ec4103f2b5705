#include "pds/identity/resolver.h"

#include <algorithm>
#include <cctype>

#include "atproto/data/json.h"

namespace roost::pds {

namespace {

constexpr std::size_t document_bytes_max = 64 * 1024;
constexpr std::size_t well_known_bytes_max = 2 * 1024;
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

}  // namespace

Task<Result<std::optional<std::string>>> Resolver::web_document(atproto::Did did) {
    // Only host-level did:web is part of the protocol; a port is allowed for localhost only, which
    // the client's address policy refuses in production.
    const std::string_view host = std::string_view(did.text()).substr(std::size("did:web:") - 1);
    const std::optional<std::string> name = net::percent_decode(host, false);
    if (!name || host.find(':') != std::string_view::npos || !is_host_and_port(*name))
        co_return std::optional<std::string>();
    const bool is_local = *name == "localhost" || name->starts_with("localhost:");
    net::ClientRequest request{
        .url = (is_local ? "http://" : "https://") + *name + "/.well-known/did.json",
        .headers = {},
        .body = {},
        .content_type = {},
        .response_bytes_max = document_bytes_max,
        .timeout_ms = timeout_ms_,
    };
    net::ClientResponse response = CO_TRY(co_await http_.send(std::move(request)));
    if (response.status != 200) co_return std::optional<std::string>();
    co_return std::optional(std::move(response.body));
}

Task<Result<std::optional<atproto::DidDocument>>> Resolver::did_document(atproto::Did did) {
    std::optional<std::string> text;
    if (did.method() == "plc")
        text = CO_TRY(co_await plc_.document(did));
    else if (did.method() == "web")
        text = CO_TRY(co_await web_document(did));
    if (!text) co_return std::optional<atproto::DidDocument>();
    atproto::Value value = CO_TRY(atproto::json::parse(*text));
    co_return std::optional(CO_TRY(atproto::DidDocument::parse(did, std::move(value))));
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
        .response_bytes_max = well_known_bytes_max,
        .timeout_ms = timeout_ms_,
    };
    Result<net::ClientResponse> response = co_await http_.send(std::move(request));
    if (!response.has_value() || response->status != 200) co_return std::nullopt;
    Result<atproto::Did> did = atproto::Did::parse(trimmed(response->body));
    if (!did.has_value()) co_return std::nullopt;
    co_return *std::move(did);
}

}  // namespace roost::pds
