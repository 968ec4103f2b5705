#include "lexicon/com/atproto/sync/getBlocks.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"
#include "atproto/repo/car.h"
#include "base/executor.h"
#include "pds/repos/block_search.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getBlocks;

namespace {

Error not_found(const pds::BlockSearch& search) {
    std::string cids;
    for (const atproto::Cid& cid : search.missing())
        cids += (cids.empty() ? "" : ",") + cid.text();
    return Error::invalid("Could not find cids: " + cids,
                          std::string(lex::errors::BlockNotFound.text()));
}

Task<Result<net::Response>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const pds::Account account = CO_TRY(co_await find_open_repo(services, params.did.text()));
    std::vector<atproto::Cid> cids;
    for (const std::string& text : params.cids)
        cids.push_back(CO_TRY(atproto::Cid::parse(text)));
    const std::unique_ptr<pds::BlockSearch> search =
        CO_TRY(pds::BlockSearch::open(services.db, account, cids));
    while (CO_TRY(search->step()))
        co_await sleep_ms(0);  // others first
    if (!search->missing().empty()) co_return not_found(*search);
    net::Response response;
    response.content_type = car_content_type;
    response.body = as_text(atproto::write_car(std::nullopt, search->found()));
    co_return response;
}

}  // namespace

void sync::add_getBlocks(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
