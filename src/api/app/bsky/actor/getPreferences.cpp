#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/app/bsky/preferences.h"
#include "atproto/data/json.h"

namespace roost::api {

namespace {

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call) {
    if (is_for_another_app_view(call, services.proxy))
        co_return co_await services.proxy.forward(call);
    atproto::Array preferences =
        CO_TRY(co_await services.db.read([&](db::Transaction& t) -> Result<atproto::Array> {
            return pds::preferences::list(t, call.account().id, preferences_namespace,
                                          preferences_access(call), call.time);
        }));
    net::Response response;
    response.content_type = xrpc::json_content_type;
    response.body = atproto::json::write(atproto::Object{{"preferences", std::move(preferences)}});
    co_return response;
}

}  // namespace

void bsky::add_getPreferences(xrpc::Router& router, const Services& services) {
    router.add_untyped(
        "app.bsky.actor.getPreferences",
        {.needs = xrpc::Needs::standard_access, .takendown = xrpc::TakendownCallers::allowed},
        [&services](xrpc::Call& call, const atproto::Object&) { return answer(services, call); });
}

}  // namespace roost::api
