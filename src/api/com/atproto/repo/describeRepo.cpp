#include "lexicon/com/atproto/repo/describeRepo.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"
#include "base/check.h"
#include "pds/identity/resolver.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::describeRepo;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const pds::Account account = CO_TRY(co_await find_open_repo(services, call, params.repo));
    const auto document =
        CO_TRY(co_await services.resolver.remembered_did_document(account.did, now()));
    if (!document) co_return Error::invalid("Could not resolve DID: " + account.did.text());
    const std::vector<std::string> collections = CO_TRY(
        co_await services.db.read([&](db::Transaction& t) -> Result<std::vector<std::string>> {
            const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, account));
            return pds::record_store::collections(t, repo.id);
        }));
    lex::Output output{.handle = account.handle,
                       .did = account.did,
                       .didDoc = document->value(),
                       .collections = {},
                       .handleIsCorrect = document->handle() == account.handle};
    for (const std::string& collection : collections) {
        Result<atproto::Nsid> nsid = atproto::Nsid::parse(collection);
        check(nsid.has_value(), "a stored collection is an NSID");
        output.collections.push_back(*std::move(nsid));
    }
    co_return output;
}

}  // namespace

void repo::add_describeRepo(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
