#include "lexicon/com/atproto/server/createInviteCode.h"
#include "api/admin_act.h"
#include "api/endpoints.h"

#include "api/invite_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::createInviteCode;

namespace {

std::string subject(const lex::Input& input) {
    return input.forAccount ? input.forAccount->text() : std::string(pds::invites::admin);
}

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call&, lex::Input input,
                                pds::AdminAct act) {
    CO_TRY(check_use_count(input.useCount));
    std::string code = pds::invites::new_code(services.facts.hostname);
    const pds::Audited proof =
        CO_TRY(co_await services.db.write([code, uses = input.useCount, act = act.with(code)](
                                              db::Transaction& t) -> Result<pds::Audited> {
            pds::invites::insert(t, code, uses, act.subject, pds::invites::admin,
                                 pds::invites::State::enabled, act.time);
            return pds::audit_log::append(t, act);
        }));
    co_return Done<lex::Output>{proof, {.code = std::move(code)}};
}

}  // namespace

void server::add_createInviteCode(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin, subject, answer);
}

}  // namespace roost::api
