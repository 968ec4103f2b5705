#include "lexicon/com/atproto/identity/signPlcOperation.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/plc_operations.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::signPlcOperation;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    if (!input.token)
        co_return Error::invalid("email confirmation token required to sign PLC operations");
    const atproto::plc::Operation operation = CO_TRY(co_await services.plc_operations.sign(
        call.account(), *std::move(input.token),
        {.rotation_keys = std::move(input.rotationKeys),
         .also_known_as = std::move(input.alsoKnownAs),
         .verification_methods = std::move(input.verificationMethods),
         .services = std::move(input.services)}));
    co_return lex::Output{.operation = operation.value()};
}

}  // namespace

void identity::add_signPlcOperation(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(
        {.needs = xrpc::Needs::full_access, .takendown = xrpc::TakendownCallers::allowed},
        with_services(services, answer));
}

}  // namespace roost::api
