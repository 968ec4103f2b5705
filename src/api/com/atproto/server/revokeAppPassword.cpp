#include "lexicon/com/atproto/server/revokeAppPassword.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/app_passwords.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::revokeAppPassword;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call,
                                         lex::Input input) {
    CO_TRY(co_await services.db.write(
        [id = call.account().id, name = std::move(input.name)](db::Transaction& t) -> Result<void> {
            pds::app_passwords::revoke(t, id, name);
            return {};
        }));
    co_return lex::Method::Output();
}

}  // namespace

void server::add_revokeAppPassword(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::full_access}, with_services(services, answer));
}

}  // namespace roost::api
