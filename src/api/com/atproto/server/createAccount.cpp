#include "lexicon/com/atproto/server/createAccount.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/sign_up.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::createAccount;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    pds::SignUpRequest request{
        .handle = input.handle.text(),
        .email = input.email,
        .password = SecretText(input.password.value_or("")),
        .invite_code = input.inviteCode,
        .recovery_key = input.recoveryKey,
        .did = input.did,
    };
    if (input.plcOp) co_return Error::invalid("Unsupported input: \"plcOp\"");
    if (input.did) {
        // Only the owner of an identity may bring it here.
        const auto* service = std::get_if<xrpc::OtherService>(&call.caller);
        if (service == nullptr || service->did != *input.did)
            co_return Error::unauthenticated("Missing auth to create account with did: " +
                                             input.did->text());
    }
    pds::SignUp::Done done = CO_TRY(co_await services.sign_up.create(std::move(request)));
    co_return lex::Output{
        .accessJwt = std::move(done.tokens.access_jwt),
        .refreshJwt = std::move(done.tokens.refresh_jwt),
        .handle = done.account.handle,
        .did = done.account.did,
        .didDoc = std::move(done.did_document),
    };
}

}  // namespace

void server::add_createAccount(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(
        {.needs = xrpc::Needs::optional_service, .limits = {{.points = 100, .window_s = 5 * 60}}},
        with_services(services, answer));
}

}  // namespace roost::api
