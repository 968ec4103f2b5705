#include "api/endpoints.h"

#include "api/app/bsky/feed/feeds.h"
#include "api/app/bsky/read_after_write.h"

namespace roost::api {

namespace {

Task<void> patch(ReadAfterWrite& context, atproto::Object& answer,
                 const pds::RecentRecords& recent) {
    // What is new belongs to the first page.
    if (context.parameter("cursor")) co_return;
    atproto::Array feed = feed_of(answer);
    co_await context.views.insert_into_feed(feed, recent.posts);
    answer.set("feed", std::move(feed));
}

}  // namespace

void bsky::add_getTimeline(xrpc::Router& router, const Services& services) {
    add_view(router, services, "app.bsky.feed.getTimeline", {.patch = patch});
}

}  // namespace roost::api
