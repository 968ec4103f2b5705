#include "lexicon/com/atproto/server/activateAccount.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/lifecycle.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::activateAccount;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call,
                                         lex::Method::Input) {
    CO_TRY(co_await services.lifecycle.activate(call.account()));
    co_return lex::Method::Output();
}

}  // namespace

void server::add_activateAccount(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::full_access}, with_services(services, answer));
}

}  // namespace roost::api
