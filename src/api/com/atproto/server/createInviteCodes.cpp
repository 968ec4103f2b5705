#include "lexicon/com/atproto/server/createInviteCodes.h"
#include "api/admin_act.h"
#include "api/endpoints.h"

#include "api/invite_view.h"
#include "pds/limits.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::createInviteCodes;

namespace {

std::vector<std::string> owners_of(const lex::Input& input) {
    if (!input.forAccounts) return {std::string(pds::invites::admin)};
    std::vector<std::string> owners;
    for (const atproto::Did& did : *input.forAccounts)
        owners.push_back(did.text());
    return owners;
}

std::string subject(const lex::Input& input) {
    std::string names;
    for (const std::string& owner : owners_of(input))
        names += (names.empty() ? "" : " ") + owner;
    return names;
}

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call&, lex::Input input,
                                pds::AdminAct act) {
    CO_TRY(check_use_count(input.useCount));
    const std::vector<std::string> owners = owners_of(input);
    constexpr std::int64_t codes_max = pds::limits::invite_codes_per_call_max;
    const auto owner_count = static_cast<std::int64_t>(owners.size());
    if (input.codeCount < 1 || input.codeCount > codes_max || owner_count > codes_max ||
        input.codeCount * owner_count > codes_max)
        co_return Error::invalid("codeCount must be from 1 to 1000, for all accounts together");
    const std::int64_t total = input.codeCount * owner_count;
    lex::Output output;
    for (const std::string& owner : owners) {
        lex::AccountCodes codes{.account = owner, .codes = {}};
        for (std::int64_t i = 0; i < input.codeCount; ++i)
            codes.codes.push_back(pds::invites::new_code(services.facts.hostname));
        output.codes.push_back(std::move(codes));
    }
    const pds::Audited proof =
        CO_TRY(co_await services.db.write([made = output.codes, uses = input.useCount,
                                           act = act.with(std::to_string(total) + " codes")](
                                              db::Transaction& t) -> Result<pds::Audited> {
            for (const lex::AccountCodes& account : made)
                for (const std::string& code : account.codes)
                    pds::invites::insert(t, code, uses, account.account, pds::invites::admin,
                                         pds::invites::State::enabled, act.time);
            return pds::audit_log::append(t, act);
        }));
    co_return Done<lex::Output>{proof, std::move(output)};
}

}  // namespace

void server::add_createInviteCodes(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin, subject, answer);
}

}  // namespace roost::api
