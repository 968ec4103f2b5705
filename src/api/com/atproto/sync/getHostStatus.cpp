#include "lexicon/com/atproto/sync/getHostStatus.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/repos/repo_store.h"
#include "pds/sync/event_log.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getHostStatus;

namespace {

// A relay answers for the hosts that it reads; this server knows one, itself.
Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    const Result<atproto::Handle> asked = atproto::Handle::parse(params.hostname);
    const std::string& own = services.facts.hostname;
    if (params.hostname != own && (!asked.has_value() || asked->text() != own))
        co_return Error::invalid("This server reads no host of that name",
                                 std::string(lex::errors::HostNotFound.text()));
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        return lex::Output{.hostname = own,
                           .seq = pds::event_log::newest(t),
                           .accountCount = pds::repo_store::count(t),
                           .status = "active"};
    });
}

}  // namespace

void sync::add_getHostStatus(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
