#include "lexicon/com/atproto/server/deactivateAccount.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/lifecycle.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::deactivateAccount;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call,
                                         lex::Input input) {
    std::optional<Timestamp> delete_after;
    if (input.deleteAfter) delete_after = CO_TRY(atproto::parse_datetime(*input.deleteAfter));
    CO_TRY(co_await services.lifecycle.deactivate(call.account(), delete_after));
    co_return lex::Method::Output();
}

}  // namespace

void server::add_deactivateAccount(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(
        {.needs = xrpc::Needs::full_access, .takendown = xrpc::TakendownCallers::allowed},
        with_services(services, answer));
}

}  // namespace roost::api
