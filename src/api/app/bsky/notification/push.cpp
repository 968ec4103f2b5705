#include "api/app/bsky/notification/push.h"

#include "atproto/data/json.h"
#include "base/check.h"
#include "xrpc/proxy.h"

namespace roost::api {

namespace {

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call,
                                   atproto::Object input) {
    const auto* did = input.find("serviceDid")->as<std::string>();
    check(did != nullptr, "the lexicon asks for a DID");
    pds::RemoteService service =
        CO_TRY(co_await services.proxy.services().notifications_of(*did, call.time));
    xrpc::Forwarded answer = CO_TRY(co_await services.proxy.ask(
        call, std::move(service), {.json = atproto::json::write(std::move(input))}));
    co_return std::move(answer.response);
}

}  // namespace

void add_push_method(xrpc::Router& router, const Services& services, std::string_view nsid) {
    router.add_untyped(nsid, {.needs = xrpc::Needs::standard_access},
                       [&services](xrpc::Call& call, const atproto::Object& input) {
                           return answer(services, call, input);
                       });
}

}  // namespace roost::api
