#include "lexicon/com/atproto/identity/resolveHandle.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/handle_policy.h"
#include "pds/accounts/identities.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::resolveHandle;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const atproto::Handle handle = CO_TRY(services.handles.normalize(params.handle.text()));
    co_return lex::Output {
        .did = CO_TRY(co_await services.identities.did_of(handle, pds::Freshness::remembered))
    };
}

}  // namespace

void identity::add_resolveHandle(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
