// Whose preferences a call is about: this server keeps those of its own AppView, another AppView
// keeps its own.
#pragma once

#include <string_view>

#include "pds/accounts/preferences.h"
#include "xrpc/call.h"
#include "xrpc/proxy.h"

namespace roost::api {

inline constexpr std::string_view preferences_namespace = "app.bsky";

// Whether the client names another AppView than this server's.
bool is_for_another_app_view(const xrpc::Call& call, const xrpc::Proxy& proxy);
pds::preferences::Access preferences_access(const xrpc::Call& call);

}  // namespace roost::api
