#include "lexicon/com/atproto/admin/enableAccountInvites.h"
#include "api/admin_act.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/account_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::enableAccountInvites;

namespace {

std::string subject(const lex::Input& input) {
    return input.account.text();
}

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call&, lex::Input input,
                                pds::AdminAct act) {
    using pds::account_store::InviteRights;
    const pds::Account account = CO_TRY(co_await find_account(services, input.account.text()));
    co_return Done<lex::Method::Output> {
        CO_TRY(co_await services.db.write(
            [id = account.id, act = std::move(act)](db::Transaction& t) -> Result<pds::Audited> {
                pds::account_store::set_invite_rights(t, id, InviteRights::granted);
                return pds::audit_log::append(t, act);
            }))
    };
}

}  // namespace

void admin::add_enableAccountInvites(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin_or_moderator, subject, answer);
}

}  // namespace roost::api
