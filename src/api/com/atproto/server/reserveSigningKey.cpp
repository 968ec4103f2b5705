#include "lexicon/com/atproto/server/reserveSigningKey.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/key_store.h"
#include "pds/accounts/key_vault.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::reserveSigningKey;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    const atproto::PrivateKey candidate = atproto::PrivateKey::generate(atproto::Curve::k256);
    std::string did_key = CO_TRY(
        co_await services.db.write([&vault = services.vault, did = input.did, candidate,
                                    time = call.time](db::Transaction& t) -> Result<std::string> {
            return pds::key_store::reserve(t, did, candidate, vault, time);
        }));
    co_return lex::Output{.signingKey = std::move(did_key)};
}

}  // namespace

void server::add_reserveSigningKey(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.limits = {{.points = 100, .window_s = 5 * 60}}},
                            with_services(services, answer));
}

}  // namespace roost::api
