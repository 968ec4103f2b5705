#include "lexicon/com/atproto/server/getAccountInviteCodes.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/invite_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::getAccountInviteCodes;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const pds::Account& account = call.account();
    const auto& earning = services.facts.invite_earning;
    if (params.createAvailable && services.facts.invites == pds::InvitePolicy::required && earning)
        CO_TRY(co_await services.db.write([account, earning = *earning,
                                           hostname = services.facts.hostname,
                                           time = call.time](db::Transaction& t) -> Result<void> {
            pds::invites::create_earned(t, account, earning, hostname, time);
            return {};
        }));
    const auto codes = CO_TRY(co_await services.db.read(
        [&](db::Transaction& t) -> Result<std::vector<pds::invites::Code>> {
            return pds::invites::of_account(t, account.did.text());
        }));
    lex::Output output;
    for (const pds::invites::Code& code : codes) {
        const bool is_used_up = static_cast<std::int64_t>(code.uses.size()) >= code.available;
        if (code.is_disabled || (is_used_up && !params.includeUsed)) continue;
        output.codes.push_back(invite_view(code));
    }
    co_return output;
}

}  // namespace

void server::add_getAccountInviteCodes(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::full_access}, with_services(services, answer));
}

}  // namespace roost::api
