// Every method that this server serves, in one list.
#pragma once

#include "api/services.h"
#include "xrpc/router.h"

namespace roost::api {

void add_routes(xrpc::Router& router, const Services& services);

}  // namespace roost::api
