#include "lexicon/com/atproto/identity/resolveIdentity.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/identity_view.h"
#include "pds/accounts/identities.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::resolveIdentity;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    co_return identity_info(CO_TRY(co_await services.identities.identity_of(
        std::move(params.identifier), pds::Freshness::remembered)));
}

}  // namespace

void identity::add_resolveIdentity(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
