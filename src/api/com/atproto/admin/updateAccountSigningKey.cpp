#include "lexicon/com/atproto/admin/updateAccountSigningKey.h"
#include "api/admin_act.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/signing_key_changes.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::updateAccountSigningKey;

namespace {

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call&, lex::Input input,
                                pds::AdminAct act) {
    const pds::Account account = CO_TRY(co_await find_account(services, input.did.text()));
    co_return Done<lex::Method::Output> {
        CO_TRY(co_await services.signing_key_changes.change(account, input.signingKey.text(),
                                                            act.with(input.signingKey.text())))
    };
}

}  // namespace

void admin::add_updateAccountSigningKey(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin, did_of<lex::Input>, answer);
}

}  // namespace roost::api
