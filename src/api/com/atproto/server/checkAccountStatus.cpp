#include "lexicon/com/atproto/server/checkAccountStatus.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "base/check.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::checkAccountStatus;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Method::Params) {
    const pds::Account& account = call.account();
    const auto head = CO_TRY(co_await services.db.read(
        [&](db::Transaction& t) -> Result<std::optional<pds::repo_store::Head>> {
            return pds::repo_store::find_head(t, account.id);
        }));
    check(head.has_value(), "an account has a repository");
    const Result<void> identity = co_await services.lifecycle.check_identity(account);
    co_return lex::Output{
        .activated = !account.deactivated_at.has_value(),
        .validDid = identity.has_value(),
        .repoCommit = head->commit_cid.text(),
        .repoRev = head->rev.text(),
        .repoBlocks = 2,  // the commit and the empty tree: repositories have no records yet
        .indexedRecords = 0,
        .privateStateValues = 0,
        .expectedBlobs = 0,
        .importedBlobs = 0,
    };
}

}  // namespace

void server::add_checkAccountStatus(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::standard_access},
                            with_services(services, answer));
}

}  // namespace roost::api
