#include "lexicon/com/atproto/repo/getRecord.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/record_view.h"
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

// What this server has of it.
Result<net::Response> find(db::Transaction& t, const pds::Account& account,
                           const lex::Params& params, std::string_view key) {
    pds::record_store::Records found = pds::record_store::shown(t, account.id, key);
    const std::optional<pds::record_store::RecordView> record = found.next();
    if (!record) TRY(pds::repo_store::of_account(t, account));
    if (!record || (params.cid && *params.cid != record->cid.text()))
        return not_located(account.did.text(), key);
    net::Response response;
    response.content_type = xrpc::json_content_type;
    append_record(response.body, account.did, *record);
    return response;
}

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const std::string key = params.collection.text() + "/" + params.rkey.text();
    const auto account = CO_TRY(co_await find_public_account(services, params.repo));
    if (account != nullptr)
        co_return co_await services.db.read(
            [&](db::Transaction& t) { return find(t, *account, params, key); });
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
