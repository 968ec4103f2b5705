#include "lexicon/com/atproto/repo/deleteRecord.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_writes.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::deleteRecord;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    pds::WriteRequest request;
    request.swap_commit = CO_TRY(cid_of(input.swapCommit));
    pds::Write write{.kind = pds::WriteKind::erase_if_present,
                     .collection = std::move(input.collection),
                     .rkey = std::move(input.rkey)};
    if (input.swapRecord) write.swap_record = CO_TRY(cid_of(input.swapRecord));
    request.writes.push_back(std::move(write));
    const pds::Written written =
        CO_TRY(co_await write_own_repo(services, call, std::move(input.repo), std::move(request)));
    co_return lex::Output{.commit = commit_view(written)};
}

}  // namespace

void repo::add_deleteRecord(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(write_rule([](const atproto::Object&) { return delete_points; }),
                            with_services(services, answer));
}

}  // namespace roost::api
