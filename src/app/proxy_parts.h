// What the house needs to forward calls to other servers.
#pragma once

#include "app/config.h"
#include "net/http_client.h"
#include "pds/proxying/service_tokens.h"
#include "pds/proxying/services.h"
#include "xrpc/proxy.h"

namespace roost::app {

struct ProxyParts {
    ProxyParts(const ProxyConfig& config, db::Database& db, const pds::KeyVault& vault,
               pds::Resolver& resolver, net::HttpClient& http);

    pds::RemoteServices services;
    pds::ServiceTokens tokens;
    xrpc::Proxy proxy;
};

}  // namespace roost::app
