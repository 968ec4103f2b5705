#include "lexicon/com/atproto/repo/getRecord.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/record_view.h"
#include "pds/accounts/account_store.h"
#include "pds/repos/repo_store.h"
#include "xrpc/proxy.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::getRecord;

namespace {

Error not_located(std::string_view authority, std::string_view key) {
    return Error::invalid(
        "Could not locate record: at://" + std::string(authority) + "/" + std::string(key),
        std::string(lex::errors::RecordNotFound.text()));
}

// What this server has of it; nothing if the repository is not here.
Result<std::optional<net::Response>> find(db::Transaction& t, const lex::Params& params,
                                          std::string_view key) {
    const std::optional<pds::Account> account = find_public_account(t, params.repo);
    if (!account) return std::nullopt;
    const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, *account));
    const std::optional<pds::record_store::Record> record =
        pds::record_store::find(t, repo.id, key);
    if (!record || record->takedown_ref || (params.cid && *params.cid != record->cid.text()))
        return not_located(account->did.text(), key);
    net::Response response;
    response.content_type = xrpc::json_content_type;
    append_record(response.body, account->did, *record);
    return response;
}

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const std::string key = params.collection.text() + "/" + params.rkey.text();
    std::optional<net::Response> found =
        CO_TRY(co_await services.db.read([&](db::Transaction& t) { return find(t, params, key); }));
    if (found) co_return *std::move(found);
    // The AppView knows the records of other servers.
    const std::optional<pds::RemoteService>& app_view = services.proxy.services().app_view();
    if (!app_view) co_return not_located(params.repo, key);
    xrpc::Forwarded forwarded = CO_TRY(co_await services.proxy.ask(call, *app_view, {}));
    co_return std::move(forwarded.response);
}

}  // namespace

void repo::add_getRecord(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
