#include "lexicon/com/atproto/server/createSession.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/session_view.h"
#include "pds/accounts/log_in.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::createSession;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    pds::LogIn::Done done = CO_TRY(co_await services.log_in.log_in({
        .identifier = std::move(input.identifier),
        .password = SecretText(std::move(input.password)),
        .auth_factor_token = std::move(input.authFactorToken),
        .takendown = input.allowTakendown.value_or(false) ? pds::TakendownLogIn::narrow_scope
                                                          : pds::TakendownLogIn::refused,
        .client = call.client.network().text(),
    }));
    lex::Output output = co_await session_view<lex::Output>(services, done.account);
    output.accessJwt = std::move(done.tokens.access_jwt);
    output.refreshJwt = std::move(done.tokens.refresh_jwt);
    co_return output;
}

}  // namespace

void server::add_createSession(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.limits = {{.points = 300,
                                         .window_s = 24 * 60 * 60,
                                         .count_by = xrpc::CountBy::argument_and_address,
                                         .argument = "identifier"},
                                        {.points = 30,
                                         .window_s = 5 * 60,
                                         .count_by = xrpc::CountBy::argument_and_address,
                                         .argument = "identifier"}}},
                            with_services(services, answer));
}

}  // namespace roost::api
