#include "lexicon/com/atproto/repo/listMissingBlobs.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/cursor.h"
#include "base/check.h"
#include "pds/blobs/blob_store.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::listMissingBlobs;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const pds::Account& account = call.account();
    const auto after = CO_TRY(read_cid_cursor(params.cursor));
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, account));
        lex::Output output;
        for (const auto& missing : pds::blob_store::list_missing(t, repo, after, params.limit)) {
            auto uri = atproto::AtUri::parse("at://" + account.did.text() + "/" + missing.key);
            check(uri.has_value(), "a record has a URI");
            output.blobs.push_back({.cid = missing.cid.text(), .recordUri = *std::move(uri)});
        }
        if (!output.blobs.empty()) output.cursor = output.blobs.back().cid;
        return output;
    });
}

}  // namespace

void repo::add_listMissingBlobs(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::standard_access},
                            with_services(services, answer));
}

}  // namespace roost::api
