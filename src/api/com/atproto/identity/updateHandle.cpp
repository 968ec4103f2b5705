#include "lexicon/com/atproto/identity/updateHandle.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/handle_changes.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::identity::updateHandle;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call,
                                         lex::Input input) {
    CO_TRY(co_await services.handle_changes.change(call.account(), input.handle.text()));
    co_return lex::Method::Output();
}

}  // namespace

void identity::add_updateHandle(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(
        {.needs = xrpc::Needs::standard_access,
         .limits = {{.points = 10, .window_s = 5 * 60, .count_by = xrpc::CountBy::account},
                    {.points = 50, .window_s = 24 * 60 * 60, .count_by = xrpc::CountBy::account}}},
        with_services(services, answer));
}

}  // namespace roost::api
