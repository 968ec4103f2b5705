#include "lexicon/com/atproto/sync/getRepo.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getRepo;

namespace {

Task<Result<net::Response>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const pds::Account account = CO_TRY(co_await find_open_repo(services, params.did.text()));
    co_return co_await export_repo(services, account, std::move(params.since));
}

}  // namespace

void sync::add_getRepo(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>({.limits = {{.points = 6000, .window_s = 5 * 60}}},
                                with_services(services, answer));
}

}  // namespace roost::api
