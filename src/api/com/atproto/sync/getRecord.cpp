#include "lexicon/com/atproto/sync/getRecord.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"
#include "atproto/repo/car.h"
#include "pds/repos/node_store.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_state.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getRecord;

namespace {

// The path through the tree proves the record, or that there is none.
Result<Bytes> prove(db::Transaction& t, const pds::Account& account, const std::string& key) {
    const pds::LoadedTree loaded = TRY(pds::load_tree(t, account.id, account.did));
    const pds::repo_store::Head& head = loaded.stored.head;
    atproto::Blocks blocks{{head.commit_cid, head.commit_block}};
    pds::node_store::Nodes nodes(t, loaded.stored.id);
    for (atproto::Block& block : TRY(loaded.tree.proof(nodes, key)))
        blocks.push_back(std::move(block));
    if (auto record = pds::record_store::find(t, loaded.stored.id, key))
        blocks.push_back({record->cid, std::move(record->value)});
    return atproto::write_car(head.commit_cid, blocks);
}

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const pds::Account account = CO_TRY(co_await find_open_repo(services, call, params.did.text()));
    const std::string key = params.collection.text() + "/" + params.rkey.text();
    const Bytes car = CO_TRY(
        co_await services.db.read([&](db::Transaction& t) { return prove(t, account, key); }));
    net::Response response;
    response.content_type = car_content_type;
    response.body = as_text(car);
    co_return response;
}

}  // namespace

void sync::add_getRecord(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>(repo_rule(), with_services(services, answer));
}

}  // namespace roost::api
