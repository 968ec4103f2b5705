#include "lexicon/com/atproto/sync/getLatestCommit.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getLatestCommit;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const pds::repo_store::Head head =
        CO_TRY(co_await find_head(services, call, params.did.text()));
    co_return lex::Output{.cid = head.commit_cid.text(), .rev = head.rev};
}

}  // namespace

void sync::add_getLatestCommit(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(repo_rule(), with_services(services, answer));
}

}  // namespace roost::api
