#include "lexicon/com/atproto/repo/createRecord.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_writes.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::createRecord;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    pds::WriteRequest request{.validation = validation_of(input.validate)};
    request.swap_commit = CO_TRY(cid_of(input.swapCommit));
    if (request.validation != pds::Validation::off)
        request.same_subject = pds::SameSubject::replaced;
    request.writes.push_back({
        .kind = pds::WriteKind::create, .collection = std::move(input.collection),
        .rkey = std::move(input.rkey), .record = CO_TRY(object_of(std::move(input.record)))
    });
    const pds::Written written =
        CO_TRY(co_await write_own_repo(services, call, std::move(input.repo), std::move(request)));
    co_return record_written<lex::Output>(call.account().did, written);
}

}  // namespace

void repo::add_createRecord(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(write_rule([](const atproto::Object&) { return create_points; }),
                            with_services(services, answer));
}

}  // namespace roost::api
