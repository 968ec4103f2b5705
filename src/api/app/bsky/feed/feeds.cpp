#include "api/app/bsky/feed/feeds.h"

#include "api/app/bsky/json_members.h"

namespace roost::api {

atproto::Array feed_of(const atproto::Object& answer) {
    const auto* feed = member<atproto::Array>(answer, "feed");
    return feed != nullptr ? *feed : atproto::Array();
}

void update_authors(const OwnViews& views, atproto::Array& feed,
                    const std::optional<pds::RecentRecord>& profile) {
    if (!profile) return;
    for (atproto::Value& value : feed) {
        auto* item = std::get_if<atproto::Object>(&value.variant());
        const auto* post = item != nullptr ? object_at(*item, "post") : nullptr;
        const auto* author = post != nullptr ? object_at(*post, "author") : nullptr;
        if (author == nullptr || text_member(*author, "did") != views.did().text()) continue;
        atproto::Object new_author = *author, new_post = *post;
        views.update_basic(new_author, profile->value);
        new_post.set("author", std::move(new_author));
        item->set("post", std::move(new_post));
    }
}

}  // namespace roost::api
