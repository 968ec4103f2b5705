// How tests listen with limits that do not take a minute to reach.
#pragma once

#include "net/http_server.h"
#include "net/limits.h"

namespace roost::net {

Result<std::unique_ptr<HttpServer>> listen_with_limits(ServerOptions options,
                                                       RequestHandler& handler,
                                                       const ServerLimits& limits);

}  // namespace roost::net
