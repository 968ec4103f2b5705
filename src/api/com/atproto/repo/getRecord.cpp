#include "lexicon/com/atproto/repo/getRecord.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/record_view.h"
#include "pds/accounts/account_store.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::getRecord;

namespace {

Task<Result<net::Response>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<net::Response> {
        const std::optional<pds::Account> account = find_public_account(t, params.repo);
        const std::string key = params.collection.text() + "/" + params.rkey.text();
        std::optional<pds::record_store::Record> record;
        if (account) {
            const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, *account));
            record = pds::record_store::find(t, repo.id, key);
        }
        if (!record || record->takedown_ref || (params.cid && *params.cid != record->cid.text())) {
            const std::string authority = account ? account->did.text() : params.repo;
            return Error::invalid("Could not locate record: at://" + authority + "/" + key,
                                  std::string(lex::errors::RecordNotFound.text()));
        }
        net::Response response;
        response.content_type = xrpc::json_content_type;
        append_record(response.body, account->did, *record);
        return response;
    });
}

}  // namespace

void repo::add_getRecord(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
