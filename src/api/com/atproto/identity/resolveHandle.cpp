#include "lexicon/com/atproto/identity/resolveHandle.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/account_store.h"
#include "pds/accounts/handle_policy.h"
#include "pds/identity/resolver.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::resolveHandle;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const atproto::Handle handle = CO_TRY(services.handles.normalize(params.handle.text()));
    const std::optional<pds::Account> account = CO_TRY(
        co_await services.db.read([&](db::Transaction& t) -> Result<std::optional<pds::Account>> {
            return pds::account_store::find_by_handle(t, handle);
        }));
    if (account && account->is_active()) co_return lex::Output{.did = account->did};
    // Below our own domains nobody else knows more.
    std::optional<atproto::Did> found;
    if (!account && !services.handles.is_on_service_domain(handle))
        found = co_await services.resolver.handle(handle);
    if (!found)
        co_return Error::invalid("Unable to resolve handle",
                                 std::string(lex::errors::HandleNotFound.text()));
    co_return lex::Output{.did = *std::move(found)};
}

}  // namespace

void identity::add_resolveHandle(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
