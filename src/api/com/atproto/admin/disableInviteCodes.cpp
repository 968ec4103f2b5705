#include "lexicon/com/atproto/admin/disableInviteCodes.h"
#include "api/admin_act.h"
#include "api/endpoints.h"

#include <algorithm>

#include "pds/accounts/invites.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::disableInviteCodes;

namespace {

// All codes, then all accounts.
std::string subject(const lex::Input& input) {
    std::string names;
    for (const auto& list : {input.codes, input.accounts})
        for (const std::string& name : list.value_or(std::vector<std::string>()))
            names += (names.empty() ? "" : " ") + name;
    return names;
}

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call&, lex::Input input,
                                pds::AdminAct act) {
    std::vector<std::string> accounts = input.accounts.value_or(std::vector<std::string>());
    if (std::ranges::find(accounts, pds::invites::admin) != accounts.end())
        co_return Error::invalid("cannot disable admin invite codes");
    co_return Done<lex::Method::Output> {
        CO_TRY(co_await services.db.write([codes = input.codes.value_or(std::vector<std::string>()),
                                           accounts = std::move(accounts), act = std::move(act)](
                                              db::Transaction& t) -> Result<pds::Audited> {
            pds::invites::disable_codes(t, codes);
            pds::invites::disable_of_accounts(t, accounts);
            return pds::audit_log::append(t, act);
        }))
    };
}

}  // namespace

void admin::add_disableInviteCodes(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin_or_moderator, subject, answer);
}

}  // namespace roost::api
