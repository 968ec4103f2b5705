#include "lexicon/com/atproto/server/refreshSession.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/session_view.h"
#include "pds/accounts/sessions.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::refreshSession;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Method::Input) {
    pds::Refreshed refreshed =
        CO_TRY(co_await services.sessions.refresh(call.refresh_claims(), call.time));
    lex::Output output = co_await session_view<lex::Output>(services, refreshed.account);
    output.accessJwt = std::move(refreshed.tokens.access_jwt);
    output.refreshJwt = std::move(refreshed.tokens.refresh_jwt);
    co_return output;
}

}  // namespace

void server::add_refreshSession(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::refresh_token}, with_services(services, answer));
}

}  // namespace roost::api
