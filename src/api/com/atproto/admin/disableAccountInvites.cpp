#include "lexicon/com/atproto/admin/disableAccountInvites.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/account_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::disableAccountInvites;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call&, lex::Input input) {
    const pds::Account account = CO_TRY(co_await find_account(services, input.account.text()));
    CO_TRY(co_await services.db.write([id = account.id](db::Transaction& t) -> Result<void> {
        using pds::account_store::InviteRights;
        pds::account_store::set_invite_rights(t, id, InviteRights::withdrawn);
        return {};
    }));
    co_return lex::Method::Output();
}

}  // namespace

void admin::add_disableAccountInvites(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin}, with_services(services, answer));
}

}  // namespace roost::api
