#include "lexicon/com/atproto/server/deleteSession.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/sessions.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::deleteSession;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call,
                                         lex::Method::Input) {
    CO_TRY(co_await services.sessions.close(call.refresh_claims()));
    co_return lex::Method::Output();
}

}  // namespace

void server::add_deleteSession(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::refresh_token_even_expired},
                            with_services(services, answer));
}

}  // namespace roost::api
