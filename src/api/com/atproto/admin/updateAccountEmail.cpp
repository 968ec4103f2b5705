#include "lexicon/com/atproto/admin/updateAccountEmail.h"
#include "api/admin_act.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/emails.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::updateAccountEmail;

namespace {

std::string subject(const lex::Input& input) {
    return input.account;
}

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call&, lex::Input input,
                                pds::AdminAct act) {
    const pds::Account account = CO_TRY(co_await find_account(services, input.account));
    co_return Done<lex::Method::Output> {
        CO_TRY(co_await services.emails.set(account, std::move(input.email), std::move(act)))
    };
}

}  // namespace

void admin::add_updateAccountEmail(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin, subject, answer);
}

}  // namespace roost::api
