#include "lexicon/com/atproto/admin/deleteAccount.h"
#include "api/admin_act.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/lifecycle.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::deleteAccount;

namespace {

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call&, lex::Input input,
                                pds::AdminAct act) {
    const pds::Account account = CO_TRY(co_await find_account(services, input.did.text()));
    co_return Done<lex::Method::Output> {
        CO_TRY(co_await services.lifecycle.erase(account, act))
    };
}

}  // namespace

void admin::add_deleteAccount(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin, did_of<lex::Input>, answer);
}

}  // namespace roost::api
