#include "lexicon/com/atproto/server/getSession.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/session_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::getSession;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Method::Params) {
    co_return co_await session_view<lex::Output>(services, call.account());
}

}  // namespace

void server::add_getSession(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::standard_access},
                            with_services(services, answer));
}

}  // namespace roost::api
