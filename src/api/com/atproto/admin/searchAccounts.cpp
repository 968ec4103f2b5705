#include "lexicon/com/atproto/admin/searchAccounts.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/account_view.h"
#include "pds/accounts/account_search.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::searchAccounts;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        const pds::account_search::Page page = TRY(pds::account_search::by_email(
            t, params.email.value_or(""), params.cursor, params.limit));
        lex::Output output{.cursor = page.cursor, .accounts = {}};
        for (const pds::Account& account : page.accounts)
            output.accounts.push_back(account_view(t, account));
        return output;
    });
}

}  // namespace

void admin::add_searchAccounts(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin_or_moderator},
                            with_services(services, answer));
}

}  // namespace roost::api
