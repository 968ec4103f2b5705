#include "lexicon/com/atproto/temp/checkSignupQueue.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::temp::checkSignupQueue;

namespace {

// Who signs up here need not wait.
Task<Result<lex::Output>> answer(const Services&, xrpc::Call&, lex::Params) {
    co_return lex::Output{.activated = true};
}

}  // namespace

void temp::add_checkSignupQueue(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::standard_access},
                            with_services(services, answer));
}

}  // namespace roost::api
