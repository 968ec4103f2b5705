#include "api/endpoints.h"

#include "api/app/bsky/json_members.h"
#include "api/app/bsky/read_after_write.h"

namespace roost::api {

namespace {

Task<void> patch(ReadAfterWrite& context, atproto::Object& answer,
                 const pds::RecentRecords& recent) {
    const auto* given = member<atproto::Array>(answer, "profiles");
    if (!recent.profile || given == nullptr) co_return;
    atproto::Array profiles = *given;
    for (atproto::Value& value : profiles) {
        auto* profile = std::get_if<atproto::Object>(&value.variant());
        if (profile != nullptr && text_member(*profile, "did") == context.views.did().text())
            context.views.update_detailed(*profile, recent.profile->value);
    }
    answer.set("profiles", std::move(profiles));
}

}  // namespace

void bsky::add_getProfiles(xrpc::Router& router, const Services& services) {
    add_view(router, services, "app.bsky.actor.getProfiles", {.patch = patch});
}

}  // namespace roost::api
