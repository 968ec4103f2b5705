#include "lexicon/com/atproto/server/requestEmailConfirmation.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/emails.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::requestEmailConfirmation;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call,
                                         lex::Method::Input) {
    CO_TRY(co_await services.emails.request_confirmation(call.account()));
    co_return lex::Method::Output();
}

}  // namespace

void server::add_requestEmailConfirmation(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(
        {.needs = xrpc::Needs::full_access,
         .limits = {{.points = 15, .window_s = 24 * 60 * 60, .count_by = xrpc::CountBy::account},
                    {.points = 5, .window_s = 60 * 60, .count_by = xrpc::CountBy::account}}},
        with_services(services, answer));
}

}  // namespace roost::api
