#include "app/proxy_parts.h"

#include <algorithm>

namespace roost::app {

namespace {

std::optional<pds::RemoteService> service(const std::optional<RemoteService>& given,
                                          const char* name) {
    if (!given) return std::nullopt;
    return pds::RemoteService{.did = given->did,
                              .name = name,
                              .origin = given->url,
                              .policy = net::AddressPolicy::configured};
}

pds::RemoteServices::Options services_of(const ProxyConfig& config) {
    return {.app_view = service(config.app_view, "bsky_appview"),
            .moderation = service(config.moderation, "atproto_labeler"),
            .report = service(config.report, "atproto_labeler")};
}

// 0 is no limit, as the reference has it; a day is as good, and ends.
int timeout_ms(std::int64_t given_ms) {
    constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1'000;
    return static_cast<int>(given_ms == 0 ? day_ms : std::min(given_ms, day_ms));
}

xrpc::Proxy::Options options_of(const ProxyConfig& config) {
    return {.headers_timeout_ms = timeout_ms(config.headers_timeout_ms),
            .body_timeout_ms = timeout_ms(config.body_timeout_ms),
            .response_bytes_max = static_cast<std::uint64_t>(config.response_bytes_max),
            .retries_max = static_cast<int>(std::min<std::int64_t>(config.retries_max, 10)),
            .compressed = config.prefers_compressed ? xrpc::Proxy::Compressed::preferred
                                                    : xrpc::Proxy::Compressed::if_client_wants};
}

}  // namespace

ProxyParts::ProxyParts(const ProxyConfig& config, db::Database& db, const pds::KeyVault& vault,
                       pds::Resolver& resolver, net::HttpClient& http)
    : services(resolver, services_of(config)),
      tokens(db, vault),
      proxy(http, services, tokens, options_of(config)) {}

}  // namespace roost::app
