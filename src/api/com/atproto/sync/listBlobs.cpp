#include "lexicon/com/atproto/sync/listBlobs.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/cursor.h"
#include "api/repo_view.h"
#include "pds/blobs/blob_store.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::listBlobs;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const auto after = CO_TRY(read_cid_cursor(params.cursor));
    const pds::Account account = CO_TRY(co_await find_open_repo(services, call, params.did.text()));
    std::optional<std::uint64_t> since;
    if (params.since) since = params.since->number();
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, account));
        lex::Output output;
        for (const atproto::Cid& cid :
             pds::blob_store::list(t, repo.id, after, since, params.limit))
            output.cids.push_back(cid.text());
        if (!output.cids.empty()) output.cursor = output.cids.back();
        return output;
    });
}

}  // namespace

void sync::add_listBlobs(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(repo_rule(xrpc::TakendownCallers::allowed),
                            with_services(services, answer));
}

}  // namespace roost::api
