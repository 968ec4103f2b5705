#include "lexicon/com/atproto/sync/listReposByCollection.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/cursor.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::listReposByCollection;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const pds::RepoId after {
        CO_TRY(read_number_cursor(params.cursor))
    };
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        lex::Output output;
        pds::RepoId last{0};
        for (pds::repo_store::Listed& repo : pds::repo_store::list_by_collection(
                 t, params.collection.text(), after, params.limit)) {
            output.repos.push_back({.did = std::move(repo.did)});
            last = repo.id;
        }
        output.cursor = number_cursor(output.repos.size(), params.limit, last.value);
        return output;
    });
}

}  // namespace

void sync::add_listReposByCollection(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
