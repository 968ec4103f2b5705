#include "lexicon/com/atproto/sync/getRepo.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getRepo;

namespace {

Task<Result<net::Response>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const pds::repo_store::Head head = CO_TRY(co_await find_repo(services, params.did));
    net::Response response;
    response.content_type = "application/vnd.ipld.car";
    response.body = as_text(car_of(head));
    co_return response;
}

}  // namespace

void sync::add_getRepo(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
