#include "lexicon/com/atproto/server/checkAccountStatus.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "base/check.h"
#include "pds/accounts/lifecycle.h"
#include "pds/blobs/blob_store.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::checkAccountStatus;

namespace {

struct Stored {
    pds::repo_store::StoredRepo repo;
    pds::blob_store::Counts blobs;
};

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Method::Params) {
    const pds::Account& account = call.account();
    const auto [repo, blobs] =
        CO_TRY(co_await services.db.read([&](db::Transaction& t) -> Result<Stored> {
            const pds::OwnedRepo owned = TRY(pds::repo_store::of_account(t, account));
            auto found = pds::repo_store::find(t, account.id);
            check(found.has_value(), "a repository that has an id is there");
            return Stored{*std::move(found), pds::blob_store::counts(t, owned)};
        }));
    const Result<void> identity = co_await services.lifecycle.check_identity(account);
    co_return lex::Output{
        .activated = !account.deactivated_at.has_value(),
        .validDid = identity.has_value(),
        .repoCommit = repo.head.commit_cid.text(),
        .repoRev = repo.head.rev.text(),
        // The commit, the records, and a node for each three of them: nobody needs it exactly.
        .repoBlocks = 2 + repo.record_count + repo.record_count / 3,
        .indexedRecords = repo.record_count,
        .privateStateValues = 0,
        .expectedBlobs = blobs.expected,
        .importedBlobs = blobs.imported,
    };
}

}  // namespace

void server::add_checkAccountStatus(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::standard_access},
                            with_services(services, answer));
}

}  // namespace roost::api
