// Has a service of notifications told about a device: the AppView, or whichever the caller names in
// its input.
#pragma once

#include <string_view>

#include "api/services.h"
#include "atproto/data/value.h"
#include "base/task.h"
#include "net/http.h"
#include "xrpc/router.h"

namespace roost::api {

void add_push_method(xrpc::Router& router, const Services& services, std::string_view nsid);

}  // namespace roost::api
