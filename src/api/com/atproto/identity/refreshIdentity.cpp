#include "lexicon/com/atproto/identity/refreshIdentity.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/identity_view.h"
#include "pds/accounts/identities.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::refreshIdentity;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Input input) {
    co_return identity_info(CO_TRY(co_await services.identities.identity_of(
        std::move(input.identifier), pds::Freshness::asked_now)));
}

}  // namespace

void identity::add_refreshIdentity(xrpc::Router& router, const Services& services) {
    router
        .add<lex::Method>(  // Each call asks servers elsewhere, so it takes an account to make us.
            {.needs = xrpc::Needs::standard_access,
             .limits = {{.points = 30, .window_s = 5 * 60, .count_by = xrpc::CountBy::account}}},
            with_services(services, answer));
}

}  // namespace roost::api
