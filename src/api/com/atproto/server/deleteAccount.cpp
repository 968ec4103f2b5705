#include "lexicon/com/atproto/server/deleteAccount.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/account_store.h"
#include "pds/accounts/lifecycle.h"
#include "pds/accounts/log_in.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::deleteAccount;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call&, lex::Input input) {
    // The same answer for an unknown account and a wrong password.
    const Error refused = Error::unauthenticated("Invalid did or password");
    const std::optional<pds::Account> account = CO_TRY(
        co_await services.db.read([&](db::Transaction& t) -> Result<std::optional<pds::Account>> {
            return pds::account_store::find_by_did(t, input.did);
        }));
    if (!account) co_return refused;
    if (!CO_TRY(co_await services.log_in.is_account_password(
            *account, SecretText(std::move(input.password)))))
        co_return refused;
    CO_TRY(co_await services.lifecycle.erase_with_code(*account, std::move(input.token)));
    co_return lex::Method::Output();
}

}  // namespace

void server::add_deleteAccount(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.limits = {{.points = 50, .window_s = 5 * 60}}},
                            with_services(services, answer));
}

}  // namespace roost::api
