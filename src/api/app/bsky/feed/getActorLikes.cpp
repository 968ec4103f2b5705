#include "api/endpoints.h"

#include "api/app/bsky/feed/feeds.h"
#include "api/app/bsky/read_after_write.h"

namespace roost::api {

namespace {

Task<void> patch(ReadAfterWrite& context, atproto::Object& answer,
                 const pds::RecentRecords& recent) {
    atproto::Array feed = feed_of(answer);
    update_authors(context.views, feed, recent.profile);
    answer.set("feed", std::move(feed));
    co_return;
}

}  // namespace

void bsky::add_getActorLikes(xrpc::Router& router, const Services& services) {
    add_view(router, services, "app.bsky.feed.getActorLikes", {.patch = patch});
}

}  // namespace roost::api
