#include "lexicon/com/atproto/server/createInviteCode.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/invite_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::createInviteCode;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    CO_TRY(check_use_count(input.useCount));
    const std::string owner =
        input.forAccount ? input.forAccount->text() : std::string(pds::invites::admin);
    std::string code = pds::invites::new_code(services.facts.hostname);
    CO_TRY(co_await services.db.write(
        [code, owner, uses = input.useCount, time = call.time](db::Transaction& t) -> Result<void> {
            pds::invites::insert(t, code, uses, owner, pds::invites::admin,
                                 pds::invites::State::enabled, time);
            return {};
        }));
    co_return lex::Output{.code = std::move(code)};
}

}  // namespace

void server::add_createInviteCode(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin}, with_services(services, answer));
}

}  // namespace roost::api
