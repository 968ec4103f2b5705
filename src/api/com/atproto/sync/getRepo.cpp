#include "lexicon/com/atproto/sync/getRepo.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getRepo;

namespace {

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const pds::Account account = CO_TRY(co_await find_open_repo(services, call, params.did.text()));
    if (params.since && params.collection)
        co_return Error::invalid("Either since or collection, not both");
    co_return co_await export_repo(
        services, account,
        {.since = std::move(params.since), .collection = std::move(params.collection)});
}

}  // namespace

void sync::add_getRepo(xrpc::Router& router, const Services& services) {
    xrpc::Rule rule = repo_rule(xrpc::TakendownCallers::allowed);
    rule.limits = {{.points = 6000, .window_s = 5 * 60}};
    router.add_raw<lex::Method>(std::move(rule), with_services(services, answer));
}

}  // namespace roost::api
