#include "api/endpoints.h"

#include <algorithm>
#include <charconv>

#include "api/app/bsky/feed/feeds.h"
#include "api/app/bsky/json_members.h"
#include "api/app/bsky/read_after_write.h"
#include "db/database.h"

namespace roost::api {

namespace {

constexpr std::int64_t limit_default = 50;
constexpr std::int64_t limit_max = 100;

// The feed is that of the account: its first post is, or was reposted by it.
bool is_own_feed(const OwnViews& views, const atproto::Array& feed) {
    const auto* first = feed.empty() ? nullptr : feed.front().as<atproto::Object>();
    if (first == nullptr) return false;
    const auto* reason = object_at(*first, "reason");
    const auto* who = reason == nullptr ? object_at(*first, "post", "author")
                      : is_of_type(*reason, "app.bsky.feed.defs#reasonRepost")
                          ? object_at(*reason, "by")
                          : nullptr;
    return who != nullptr && text_member(*who, "did") == views.did().text();
}

Task<void> patch(ReadAfterWrite& context, atproto::Object& answer,
                 const pds::RecentRecords& recent) {
    atproto::Array feed = feed_of(answer);
    if (!is_own_feed(context.views, feed)) co_return;
    update_authors(context.views, feed, recent.profile);
    if (!context.parameter("cursor")) co_await context.views.insert_into_feed(feed, recent.posts);
    answer.set("feed", std::move(feed));
}

std::int64_t limit_of(const ReadAfterWrite& context) {
    const std::string text = context.parameter("limit").value_or("");
    std::int64_t limit = limit_default;
    std::from_chars(text.data(), text.data() + text.size(), limit);
    return std::clamp<std::int64_t>(limit, 1, limit_max);
}

// Cursors are times, as the AppView's are. Record keys of posts are, too.
std::optional<std::string> before(const ReadAfterWrite& context) {
    const std::optional<std::string> cursor = context.parameter("cursor");
    if (!cursor || !atproto::is_datetime(*cursor)) return std::nullopt;
    const Result<Timestamp> time = atproto::parse_datetime(*cursor);
    return time.has_value() ? std::optional(atproto::Tid::from(*time, 0).text()) : std::nullopt;
}

Task<std::optional<atproto::Object>> own(ReadAfterWrite& context) {
    if (!context.views.is_own(context.parameter("actor").value_or(""))) co_return std::nullopt;
    using Posts = std::vector<pds::RecentRecord>;
    const Result<Posts> posts = co_await context.services.db.read(
        [id = context.call.account().id, before = before(context),
         limit = limit_of(context)](db::Transaction& t) -> Result<Posts> {
            return pds::recent_records::posts(t, id, before, limit);
        });
    if (!posts.has_value()) co_return std::nullopt;
    const std::string filter = context.parameter("filter").value_or("posts_with_replies");
    const atproto::Object author = context.views.basic_profile(co_await context.views.profile());
    atproto::Array feed;
    for (const pds::RecentRecord& post : *posts) {
        const bool is_reply = post.value.find("reply") != nullptr;
        const bool has_media = post.value.find("embed") != nullptr;
        if (filter == "posts_with_media" ? !has_media : is_reply && filter != "posts_with_replies")
            continue;
        feed.emplace_back(atproto::Object{{"post", context.views.plain_post(post, author)}});
    }
    atproto::Object view{{"feed", std::move(feed)}};
    if (std::ssize(*posts) == limit_of(context)) {
        const Result<atproto::Tid> last = atproto::Tid::parse(posts->back().rkey);
        if (last.has_value())
            view.set("cursor",
                     to_iso8601(Timestamp{static_cast<std::int64_t>(last->number() >> 10)}));
    }
    co_return view;
}

}  // namespace

void bsky::add_getAuthorFeed(xrpc::Router& router, const Services& services) {
    add_view(router, services, "app.bsky.feed.getAuthorFeed",
             {.patch = patch, .without_app_view = own});
}

}  // namespace roost::api
