#include "lexicon/com/atproto/server/confirmEmail.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/emails.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::confirmEmail;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call,
                                         lex::Input input) {
    CO_TRY(co_await services.emails.confirm(call.account(), std::move(input.email),
                                            std::move(input.token)));
    co_return lex::Method::Output();
}

}  // namespace

void server::add_confirmEmail(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::full_access}, with_services(services, answer));
}

}  // namespace roost::api
