#include "lexicon/com/atproto/sync/listRepos.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/cursor.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::listRepos;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const std::int64_t after = CO_TRY(read_number_cursor(params.cursor));
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        lex::Output output;
        std::int64_t last = 0;
        for (pds::repo_store::Listed& repo : pds::repo_store::list(t, after, params.limit)) {
            lex::Repo view{.did = std::move(repo.did),
                           .head = repo.commit_cid.text(),
                           .rev = std::move(repo.rev),
                           .active = repo.status == pds::AccountStatus::active};
            if (const auto status = pds::status_text(repo.status)) view.status = *status;
            output.repos.push_back(std::move(view));
            last = repo.account_id;
        }
        output.cursor = number_cursor(output.repos.size(), params.limit, last);
        return output;
    });
}

}  // namespace

void sync::add_listRepos(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
