#include "lexicon/com/atproto/admin/disableInviteCodes.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include <algorithm>

#include "pds/accounts/invites.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::disableInviteCodes;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call&, lex::Input input) {
    std::vector<std::string> accounts = input.accounts.value_or(std::vector<std::string>());
    if (std::ranges::find(accounts, pds::invites::admin) != accounts.end())
        co_return Error::invalid("cannot disable admin invite codes");
    CO_TRY(co_await services.db.write(
        [codes = input.codes.value_or(std::vector<std::string>()),
         accounts = std::move(accounts)](db::Transaction& t) -> Result<void> {
            pds::invites::disable_codes(t, codes);
            pds::invites::disable_of_accounts(t, accounts);
            return {};
        }));
    co_return lex::Method::Output();
}

}  // namespace

void admin::add_disableInviteCodes(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin}, with_services(services, answer));
}

}  // namespace roost::api
