#include "api/endpoints.h"

#include "api/app/bsky/json_members.h"
#include "api/app/bsky/read_after_write.h"

namespace roost::api {

namespace {

Task<void> patch(ReadAfterWrite& context, atproto::Object& profile,
                 const pds::RecentRecords& recent) {
    if (recent.profile && text_member(profile, "did") == context.views.did().text())
        context.views.update_detailed(profile, recent.profile->value);
    co_return;
}

Task<std::optional<atproto::Object>> own(ReadAfterWrite& context) {
    if (!context.views.is_own(context.parameter("actor").value_or(""))) co_return std::nullopt;
    co_return context.views.detailed_profile(co_await context.views.profile());
}

}  // namespace

void bsky::add_getProfile(xrpc::Router& router, const Services& services) {
    add_view(router, services, "app.bsky.actor.getProfile",
             {.patch = patch, .without_app_view = own});
}

}  // namespace roost::api
