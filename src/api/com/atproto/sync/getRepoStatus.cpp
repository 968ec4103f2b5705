#include "lexicon/com/atproto/sync/getRepoStatus.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/account_store.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getRepoStatus;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        const std::optional<pds::Account> account = pds::account_store::find_by_did(t, params.did);
        if (!account)
            return Error::invalid("Could not find repo for DID: " + params.did.text(),
                                  std::string(lex::errors::RepoNotFound.text()));
        lex::Output output{.did = account->did,
                           .active = account->status() == pds::AccountStatus::active};
        if (const auto status = pds::status_text(account->status())) output.status = *status;
        const auto head = pds::repo_store::find_head(t, account->id);
        if (output.active && head) output.rev = head->rev;
        return output;
    });
}

}  // namespace

void sync::add_getRepoStatus(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
