#include "lexicon/com/atproto/identity/requestPlcOperationSignature.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/emails.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::requestPlcOperationSignature;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call,
                                         lex::Method::Input) {
    CO_TRY(co_await services.emails.request_plc_signature(call.account()));
    co_return lex::Method::Output();
}

}  // namespace

void identity::add_requestPlcOperationSignature(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(
        {.needs = xrpc::Needs::full_access, .takendown = xrpc::TakendownCallers::allowed},
        with_services(services, answer));
}

}  // namespace roost::api
