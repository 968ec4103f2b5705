#include "lexicon/com/atproto/repo/listRecords.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/record_view.h"
#include "atproto/data/json.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::listRecords;

namespace {

pds::record_store::Range range_of(const lex::Params& params) {
    using pds::record_store::Order;
    // The newest first, as keys are mostly TIDs.
    pds::record_store::Range range{
        .order = params.reverse.value_or(false) ? Order::ascending : Order::descending,
        .limit = params.limit};
    (range.order == Order::ascending ? range.after : range.before) = params.cursor;
    return range;
}

Task<Result<net::Response>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const auto account = CO_TRY(co_await find_public_account(services, params.repo));
    if (account == nullptr) co_return Error::invalid("Could not find repo: " + params.repo);
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<net::Response> {
        const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, *account));
        auto records =
            pds::record_store::list(t, repo.id, params.collection.text(), range_of(params));
        net::Response response;
        response.content_type = xrpc::json_content_type;
        std::string& json = response.body;
        json = R"({"records":[)";
        std::string last_key;
        while (const auto record = records.next()) {
            if (!last_key.empty()) json += ',';
            append_record(json, account->did, *record);
            last_key = record->key;
        }
        json += ']';
        if (!last_key.empty()) {
            json += R"(,"cursor":)";
            atproto::json::append_string(json,
                                         std::string_view(last_key).substr(last_key.find('/') + 1));
        }
        json += '}';
        return response;
    });
}

}  // namespace

void repo::add_listRecords(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
