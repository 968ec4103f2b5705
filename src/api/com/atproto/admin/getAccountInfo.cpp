#include "lexicon/com/atproto/admin/getAccountInfo.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/account_view.h"
#include "api/subject.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::getAccountInfo;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const pds::Account account = CO_TRY(co_await find_account(services, params.did.text()));
    co_return co_await services.db.read(
        [&](db::Transaction& t) -> Result<lex::Output> { return account_view(t, account); });
}

}  // namespace

void admin::add_getAccountInfo(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin_or_moderator},
                            with_services(services, answer));
}

}  // namespace roost::api
