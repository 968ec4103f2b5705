#include "lexicon/com/atproto/admin/updateAccountHandle.h"
#include "api/admin_act.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/handle_changes.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::updateAccountHandle;

namespace {

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call&, lex::Input input,
                                pds::AdminAct act) {
    const pds::Account account = CO_TRY(co_await find_account(services, input.did.text()));
    co_return Done<lex::Method::Output> {
        CO_TRY(co_await services.handle_changes.change(account, input.handle.text(),
                                                       act.with("to " + input.handle.text())))
    };
}

}  // namespace

void admin::add_updateAccountHandle(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin, did_of<lex::Input>, answer);
}

}  // namespace roost::api
