#include "api/endpoint.h"
#include "api/endpoints.h"

#include "atproto/data/json.h"
#include "xrpc/proxy.h"

namespace roost::api {

namespace {

// Reports go to a moderation service: the one that the reporter names, or this server's own.
Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call, std::string report) {
    pds::RemoteService service = CO_TRY(co_await services.proxy.target(call));
    xrpc::Forwarded answer =
        CO_TRY(co_await services.proxy.ask(call, std::move(service), {.json = std::move(report)}));
    co_return std::move(answer.response);
}

}  // namespace

void moderation::add_createReport(xrpc::Router& router, const Services& services) {
    router.add_untyped(
        "com.atproto.moderation.createReport",
        {.needs = xrpc::Needs::standard_access, .takendown = xrpc::TakendownCallers::allowed},
        [&services](xrpc::Call& call, const atproto::Object& report) {
            return answer(services, call, atproto::json::write(report));
        });
}

}  // namespace roost::api
