#include "lexicon/com/atproto/admin/updateAccountSigningKey.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/signing_key_changes.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::updateAccountSigningKey;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call&, lex::Input input) {
    const pds::Account account = CO_TRY(co_await find_account(services, input.did.text()));
    CO_TRY(co_await services.signing_key_changes.change(account, input.signingKey.text()));
    co_return lex::Method::Output();
}

}  // namespace

void admin::add_updateAccountSigningKey(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin}, with_services(services, answer));
}

}  // namespace roost::api
