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
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<net::Response> {
        const std::optional<pds::Account> account = find_public_account(t, params.repo);
        if (!account) return Error::invalid("Could not find repo: " + params.repo);
        const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, *account));
        const std::vector<pds::record_store::Record> records =
            pds::record_store::list(t, repo.id, params.collection.text(), range_of(params));
        net::Response response;
        response.content_type = xrpc::json_content_type;
        std::string& json = response.body;
        json = R"({"records":[)";
        for (const pds::record_store::Record& record : records) {
            if (json.back() != '[') json += ',';
            append_record(json, account->did, record);
        }
        json += ']';
        if (!records.empty()) {
            json += R"(,"cursor":)";
            const std::string_view key = records.back().key;
            atproto::json::append_string(json, key.substr(key.find('/') + 1));
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
