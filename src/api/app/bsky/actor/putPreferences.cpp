#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/app/bsky/preferences.h"
#include "atproto/data/json.h"
#include "base/check.h"

namespace roost::api {

namespace {

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call,
                                   atproto::Object input) {
    if (is_for_another_app_view(call, services.proxy))
        co_return co_await services.proxy.forward_json(call,
                                                       atproto::json::write(std::move(input)));
    const auto* preferences = input.find("preferences")->as<atproto::Array>();
    check(preferences != nullptr, "the lexicon asks for an array");
    CO_TRY(co_await services.db.write(
        [id = call.account().id, preferences = *preferences,
         access = preferences_access(call)](db::Transaction& t) -> Result<void> {
            return pds::preferences::replace(t, id, preferences, preferences_namespace, access);
        }));
    co_return net::Response();
}

}  // namespace

void bsky::add_putPreferences(xrpc::Router& router, const Services& services) {
    router.add_untyped("app.bsky.actor.putPreferences", {.needs = xrpc::Needs::standard_access},
                       [&services](xrpc::Call& call, const atproto::Object& input) {
                           return answer(services, call, input);
                       });
}

}  // namespace roost::api
