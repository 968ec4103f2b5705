#include "lexicon/com/atproto/identity/resolveDid.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/identities.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::resolveDid;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const atproto::DidDocument document = CO_TRY(co_await services.identities.document_of(
        std::move(params.did), pds::Freshness::remembered));
    co_return lex::Output{.didDoc = document.value()};
}

}  // namespace

void identity::add_resolveDid(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
