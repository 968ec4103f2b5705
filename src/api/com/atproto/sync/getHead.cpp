#include "lexicon/com/atproto/sync/getHead.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getHead;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const pds::repo_store::Head head =
        CO_TRY(co_await find_head(services, call, params.did.text()));
    co_return lex::Output{.root = head.commit_cid.text()};
}

}  // namespace

void sync::add_getHead(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(repo_rule(), with_services(services, answer));
}

}  // namespace roost::api
