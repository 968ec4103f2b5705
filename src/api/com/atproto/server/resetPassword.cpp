#include "lexicon/com/atproto/server/resetPassword.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/passwords.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::resetPassword;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call&, lex::Input input) {
    CO_TRY(co_await services.passwords.reset(std::move(input.token),
                                             SecretText(std::move(input.password))));
    co_return lex::Method::Output();
}

}  // namespace

void server::add_resetPassword(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.limits = {{.points = 50, .window_s = 5 * 60}}},
                            with_services(services, answer));
}

}  // namespace roost::api
