#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/app/bsky/preferences.h"
#include "api/subject.h"
#include "atproto/data/json.h"

namespace roost::api {

namespace {

bool is_moderator(const xrpc::Call& call) {
    return std::holds_alternative<xrpc::Moderator>(call.caller);
}

struct Reader {
    std::int64_t account_id;
    pds::preferences::Access access;
};

// The moderation service names the account by a parameter that is not in the lexicon, as it does
// with the reference server.
Task<Result<Reader>> reader(const Services& services, const xrpc::Call& call) {
    if (!is_moderator(call)) co_return Reader{call.account().id, preferences_access(call)};
    const auto did = atproto::Did::parse(net::query_parameter(call.http.query, "did").value_or(""));
    if (!did) co_return Error::invalid("Invalid or missing did parameter");
    const pds::Account account = CO_TRY(co_await find_account(services, did->text()));
    co_return Reader{account.id, pds::preferences::Access::full};
}

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call) {
    if (is_for_another_app_view(call, services.proxy)) {
        if (is_moderator(call))
            co_return Error::invalid("Moderator requests cannot be proxied to other app views");
        co_return co_await services.proxy.forward(call);
    }
    const Reader by = CO_TRY(co_await reader(services, call));
    atproto::Array preferences =
        CO_TRY(co_await services.db.read([&](db::Transaction& t) -> Result<atproto::Array> {
            return pds::preferences::list(t, by.account_id, preferences_namespace, by.access,
                                          call.time);
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
        {.needs = xrpc::Needs::standard_access_or_moderator,
         .takendown = xrpc::TakendownCallers::allowed},
        [&services](xrpc::Call& call, const atproto::Object&) { return answer(services, call); });
}

}  // namespace roost::api
