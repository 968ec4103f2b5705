#include "lexicon/com/atproto/server/createInviteCodes.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/invite_view.h"
#include "pds/limits.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::createInviteCodes;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    CO_TRY(check_use_count(input.useCount));
    std::vector<std::string> owners;
    for (const atproto::Did& did : input.forAccounts.value_or(std::vector<atproto::Did>()))
        owners.push_back(did.text());
    if (owners.empty()) owners.emplace_back(pds::invites::admin);
    const auto total = input.codeCount * static_cast<std::int64_t>(owners.size());
    if (input.codeCount < 1 || input.codeCount > pds::limits::invite_codes_per_call_max ||
        total > pds::limits::invite_codes_per_call_max)
        co_return Error::invalid("codeCount must be from 1 to 1000, for all accounts together");
    lex::Output output;
    for (const std::string& owner : owners) {
        lex::AccountCodes codes{.account = owner, .codes = {}};
        for (std::int64_t i = 0; i < input.codeCount; ++i)
            codes.codes.push_back(pds::invites::new_code(services.facts.hostname));
        output.codes.push_back(std::move(codes));
    }
    CO_TRY(co_await services.db.write([made = output.codes, uses = input.useCount,
                                       time = call.time](db::Transaction& t) -> Result<void> {
        for (const lex::AccountCodes& account : made)
            for (const std::string& code : account.codes)
                pds::invites::insert(t, code, uses, account.account, pds::invites::admin,
                                     pds::invites::State::enabled, time);
        return {};
    }));
    co_return output;
}

}  // namespace

void server::add_createInviteCodes(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin}, with_services(services, answer));
}

}  // namespace roost::api
