#include "lexicon/com/atproto/identity/submitPlcOperation.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/plc_operations.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::submitPlcOperation;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call,
                                         lex::Input input) {
    CO_TRY(co_await services.plc_operations.submit(call.account(), std::move(input.operation)));
    co_return lex::Method::Output();
}

}  // namespace

void identity::add_submitPlcOperation(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::full_access}, with_services(services, answer));
}

}  // namespace roost::api
