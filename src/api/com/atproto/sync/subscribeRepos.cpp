#include "lexicon/com/atproto/sync/subscribeRepos.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/sync/firehose.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::subscribeRepos;

namespace {

Task<Result<std::shared_ptr<net::WebSocketFeed>>> answer(const Services& services, xrpc::Call&,
                                                         lex::Params params) {
    co_return services.firehose.subscribe(params.cursor);
}

}  // namespace

void sync::add_subscribeRepos(xrpc::Router& router, const Services& services) {
    router.add_stream<lex::Method>({.needs = xrpc::Needs::nothing},
                                   with_services(services, answer));
}

}  // namespace roost::api
