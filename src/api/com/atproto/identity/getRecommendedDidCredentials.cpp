#include "lexicon/com/atproto/identity/getRecommendedDidCredentials.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/plc_operations.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::getRecommendedDidCredentials;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Method::Params) {
    const atproto::plc::State state =
        CO_TRY(co_await services.plc_operations.recommended(call.account()));
    atproto::Object methods;
    for (const auto& [name, key] : state.verification_methods)
        methods.set(name, key);
    atproto::Object servers;
    for (const auto& [name, service] : state.services)
        servers.set(name, atproto::Object{{"type", service.type}, {"endpoint", service.endpoint}});
    co_return lex::Output{.rotationKeys = state.rotation_keys,
                          .alsoKnownAs = state.also_known_as,
                          .verificationMethods = std::move(methods),
                          .services = std::move(servers)};
}

}  // namespace

void identity::add_getRecommendedDidCredentials(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::standard_access},
                            with_services(services, answer));
}

}  // namespace roost::api
