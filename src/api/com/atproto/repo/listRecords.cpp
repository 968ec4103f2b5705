#include "lexicon/com/atproto/repo/listRecords.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/record_view.h"
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

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        const std::optional<pds::Account> account = find_public_account(t, params.repo);
        if (!account) return Error::invalid("Could not find repo: " + params.repo);
        const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, *account));
        lex::Output output;
        for (const pds::record_store::Record& record :
             pds::record_store::list(t, repo.id, params.collection.text(), range_of(params)))
            output.records.push_back({.uri = uri_of(account->did, record.key),
                                      .cid = record.cid.text(),
                                      .value = value_of(record)});
        if (!output.records.empty()) output.cursor = output.records.back().uri.rkey();
        return output;
    });
}

}  // namespace

void repo::add_listRecords(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
