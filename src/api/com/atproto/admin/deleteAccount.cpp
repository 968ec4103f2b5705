#include "lexicon/com/atproto/admin/deleteAccount.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/lifecycle.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::deleteAccount;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call&, lex::Input input) {
    const pds::Account account = CO_TRY(co_await find_account(services, input.did.text()));
    CO_TRY(co_await services.lifecycle.erase(account));
    co_return lex::Method::Output();
}

}  // namespace

void admin::add_deleteAccount(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin}, with_services(services, answer));
}

}  // namespace roost::api
