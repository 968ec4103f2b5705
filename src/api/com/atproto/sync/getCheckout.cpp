#include "lexicon/com/atproto/sync/getCheckout.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getCheckout;

namespace {

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const pds::Account account = CO_TRY(co_await find_open_repo(services, call, params.did.text()));
    co_return co_await export_repo(services, account, {});
}

}  // namespace

void sync::add_getCheckout(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>(repo_rule(), with_services(services, answer));
}

}  // namespace roost::api
