#include "lexicon/com/atproto/admin/getAccountInfos.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/account_view.h"
#include "pds/accounts/account_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::getAccountInfos;

namespace {

// Those that there are, in the order in which they were asked for.
Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        lex::Output output;
        for (const atproto::Did& did : params.dids)
            if (const auto account = pds::account_store::find_by_did(t, did))
                output.infos.push_back(account_view(t, *account));
        return output;
    });
}

}  // namespace

void admin::add_getAccountInfos(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin_or_moderator},
                            with_services(services, answer));
}

}  // namespace roost::api
