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

// A search of 200,000 blocks: half a second of a core. Only one account of a thousand has more, and
// whoever wants something of it is served by getRecord and getRepo.
constexpr int turns_max = 400;

Error too_large() {
    return Error::invalid(
        "The repository is too large to be searched through: ask getRecord or getRepo",
        std::string(lex::errors::BlockNotFound.text()));
}

Error not_found(const pds::BlockSearch& search) {
    std::string cids;
    for (const atproto::Cid& cid : search.missing())
        cids += (cids.empty() ? "" : ",") + cid.text();
    return Error::invalid("Could not find cids: " + cids,
                          std::string(lex::errors::BlockNotFound.text()));
}

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const pds::Account account = CO_TRY(co_await find_open_repo(services, call, params.did.text()));
    std::vector<atproto::Cid> cids;
    for (const std::string& text : params.cids)
        cids.push_back(CO_TRY(atproto::Cid::parse(text)));
    const std::unique_ptr<pds::BlockSearch> search =
        CO_TRY(pds::BlockSearch::open(services.db, account, cids));
    for (int turns = 0; CO_TRY(search->step()); ++turns) {
        if (turns == turns_max) co_return too_large();
        co_await sleep_ms(1);  // others first; none at all would not suspend
    }
    if (!search->missing().empty()) co_return not_found(*search);
    net::Response response;
    response.content_type = car_content_type;
    response.body = as_text(atproto::write_car(std::nullopt, search->found()));
    co_return response;
}

}  // namespace

void sync::add_getBlocks(xrpc::Router& router, const Services& services) {
    xrpc::Rule rule = repo_rule();
    // What is not there costs a whole search.
    rule.limits = {{.points = 100, .window_s = 5 * 60}};
    router.add_raw<lex::Method>(std::move(rule), with_services(services, answer));
}

}  // namespace roost::api
