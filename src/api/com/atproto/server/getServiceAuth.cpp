#include "lexicon/com/atproto/server/getServiceAuth.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "atproto/crypto/service_jwt.h"
#include "pds/accounts/key_store.h"
#include "pds/accounts/key_vault.h"
#include "pds/proxying/closed_methods.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::getServiceAuth;

namespace {

constexpr std::int64_t lifetime_default_s = 60;
// A token for one method may live an hour, one for any method a minute.
constexpr std::int64_t lifetime_max_s = 60 * 60;

constexpr std::string_view create_account = "com.atproto.server.createAccount";

Result<void> check_audience(std::string_view audience) {
    if (!atproto::is_did_with_fragment(audience))
        return Error::invalid("aud must be a valid atproto DID or did#serviceId reference");
    return {};
}

Result<void> check_method(std::string_view method, pds::Scope scope) {
    if (scope == pds::Scope::takendown && method != create_account)
        return Error::invalid("Bad token scope", "InvalidToken");
    if (pds::is_privileged_method(method) && scope == pds::Scope::app_pass)
        return Error::invalid(
            "insufficient access to request a service auth token for the following method: " +
            std::string(method));
    if (pds::is_protected_method(method))
        return Error::invalid(
            "cannot request a service auth token for the following protected method: " +
            std::string(method));
    return {};
}

Result<std::int64_t> lifetime_of(const lex::Params& params, Timestamp now) {
    if (!params.exp) return lifetime_default_s;
    const auto refuse = [](std::string message) {
        return Error::invalid(std::move(message), std::string(lex::errors::BadExpiration.text()));
    };
    // Compared before subtracting, so that no number that a caller sends can overflow.
    if (*params.exp < now.seconds()) return refuse("expiration is in past");
    if (*params.exp > now.seconds() + lifetime_max_s)
        return refuse("cannot request a token with an expiration more than an hour in the future");
    const std::int64_t lifetime_s = *params.exp - now.seconds();
    if (!params.lxm && lifetime_s > lifetime_default_s)
        return refuse(
            "cannot request a method-less token with an expiration more than a minute in the "
            "future");
    return lifetime_s;
}

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    CO_TRY(check_audience(params.aud));
    const std::string method = params.lxm ? params.lxm->text() : std::string();
    CO_TRY(check_method(method, call.user().scope));
    const std::int64_t lifetime_s = CO_TRY(lifetime_of(params, call.time));
    const atproto::PrivateKey key = CO_TRY(co_await services.db.read([&](db::Transaction& t) {
        return pds::key_store::find(t, call.account().id, services.vault);
    }));
    co_return lex::Output{
        .token = atproto::create_service_jwt(
            key, {.issuer = call.account().did.text(),
                  .audience = params.aud,
                  .method = params.lxm ? std::optional<std::string_view>(method) : std::nullopt,
                  .now = call.time,
                  .lifetime_s = lifetime_s})};
}

}  // namespace

void server::add_getServiceAuth(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(
        {.needs = xrpc::Needs::standard_access, .takendown = xrpc::TakendownCallers::allowed},
        with_services(services, answer));
}

}  // namespace roost::api
