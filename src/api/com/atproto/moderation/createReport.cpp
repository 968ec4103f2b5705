#include "api/endpoint.h"
#include "api/endpoints.h"

#include "atproto/data/json.h"
#include "xrpc/proxy.h"

namespace roost::api {

// Reports go to a moderation service: the one that the reporter names, or this server's own.
void moderation::add_createReport(xrpc::Router& router, const Services& services) {
    router.add_untyped(
        "com.atproto.moderation.createReport",
        {.needs = xrpc::Needs::standard_access, .takendown = xrpc::TakendownCallers::allowed},
        [&services](xrpc::Call& call, const atproto::Object& report) {
            return services.proxy.forward_json(call, atproto::json::write(report));
        });
}

}  // namespace roost::api
