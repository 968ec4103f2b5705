#include "lexicon/com/atproto/server/requestPasswordReset.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/passwords.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::requestPasswordReset;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call&, lex::Input input) {
    CO_TRY(co_await services.passwords.request_reset(std::move(input.email)));
    co_return lex::Method::Output();
}

}  // namespace

void server::add_requestPasswordReset(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(
        {.limits = {{.points = 50, .window_s = 24 * 60 * 60}, {.points = 15, .window_s = 60 * 60}}},
        with_services(services, answer));
}

}  // namespace roost::api
