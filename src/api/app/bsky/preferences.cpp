#include "api/app/bsky/preferences.h"

namespace roost::api {

bool is_for_another_app_view(const xrpc::Call& call, const xrpc::Proxy& proxy) {
    const auto& ours = proxy.services().app_view();
    const auto named = call.http.header("atproto-proxy");
    return ours && named && *named != ours->did + "#" + ours->name;
}

pds::preferences::Access preferences_access(const xrpc::Call& call) {
    return call.user().scope == pds::Scope::access ? pds::preferences::Access::full
                                                   : pds::preferences::Access::limited;
}

}  // namespace roost::api
