#include "api/endpoints.h"

#include <algorithm>

#include "api/app/bsky/json_members.h"
#include "api/app/bsky/read_after_write.h"
#include "db/database.h"

namespace roost::api {

namespace {

constexpr std::string_view thread_type = "app.bsky.feed.defs#threadViewPost";

// The post that a reply answers, and the one at the thread's beginning; empty if it is no reply.
std::string_view reply_uri(const atproto::Object& post, std::string_view which) {
    const auto* found = object_at(post, "reply", which);
    return found != nullptr ? text_member(*found, "uri") : std::string_view();
}

std::string_view uri_of_view(const atproto::Object& thread) {
    const auto* post = object_at(thread, "post");
    return post != nullptr ? text_member(*post, "uri") : std::string_view();
}

bool belongs_to(const atproto::Object& thread, const pds::RecentRecord& post) {
    const std::string_view root = reply_uri(post.value, "root");
    if (root.empty()) return false;
    if (root == uri_of_view(thread)) return true;
    const auto* record = object_at(thread, "post", "record");
    return record != nullptr && reply_uri(*record, "root") == root;
}

// Puts the view in front of the replies to the post that it answers, wherever that is.
void insert(atproto::Object& thread, std::string_view parent, const atproto::Object& view) {
    const auto* given = member<atproto::Array>(thread, "replies");
    atproto::Array replies = given != nullptr ? *given : atproto::Array();
    if (uri_of_view(thread) == parent) {
        replies.insert(replies.begin(), view);
    } else {
        if (given == nullptr) return;
        for (atproto::Value& value : replies) {
            auto* reply = std::get_if<atproto::Object>(&value.variant());
            if (reply != nullptr && is_of_type(*reply, thread_type)) insert(*reply, parent, view);
        }
    }
    thread.set("replies", std::move(replies));
}

// Whether the AppView is asked for what the posts quote.
enum class Quotes { shown, left_out };

Task<atproto::Object> view_of(ReadAfterWrite& context, const pds::RecentRecord& post,
                              const atproto::Object& author, Quotes quotes) {
    atproto::Object view = quotes == Quotes::shown ? co_await context.views.post(post, author)
                                                   : context.views.plain_post(post, author);
    co_return atproto::Object{{"$type", thread_type}, {"post", std::move(view)}};
}

Task<void> add_replies(ReadAfterWrite& context, atproto::Object& thread,
                       const std::vector<pds::RecentRecord>& posts, Quotes quotes) {
    const atproto::Object author = context.views.basic_profile(co_await context.views.profile());
    for (const pds::RecentRecord& post : posts) {
        if (!belongs_to(thread, post)) continue;
        const atproto::Object view = co_await view_of(context, post, author, quotes);
        insert(thread, reply_uri(post.value, "parent"), view);
    }
}

Task<void> patch(ReadAfterWrite& context, atproto::Object& answer,
                 const pds::RecentRecords& recent) {
    const auto* given = object_at(answer, "thread");
    if (given == nullptr || !is_of_type(*given, thread_type)) co_return;
    atproto::Object thread = *given;
    co_await add_replies(context, thread, recent.posts, Quotes::shown);
    answer.set("thread", std::move(thread));
}

// The record key, if the URI is that of a post of the account.
std::optional<std::string> own_post(const ReadAfterWrite& context) {
    const Result<atproto::AtUri> uri = atproto::AtUri::parse(context.parameter("uri").value_or(""));
    if (!uri.has_value() || uri->collection() != "app.bsky.feed.post" ||
        !context.views.is_own(uri->authority()))
        return std::nullopt;
    return std::string(uri->rkey());
}

Task<atproto::Object> thread_of(ReadAfterWrite& context, const pds::RecentRecord& post,
                                const std::vector<pds::RecentRecord>& others, Quotes quotes) {
    const atproto::Object author = context.views.basic_profile(co_await context.views.profile());
    atproto::Object thread = co_await view_of(context, post, author, quotes);
    co_await add_replies(context, thread, others, quotes);
    co_return thread;
}

Task<std::optional<atproto::Object>> instead_of_not_found(ReadAfterWrite& context,
                                                          const pds::RecentRecords& recent) {
    const std::optional<std::string> rkey = own_post(context);
    const auto post = std::ranges::find_if(
        recent.posts, [&](const pds::RecentRecord& one) { return rkey && one.rkey == *rkey; });
    if (post == recent.posts.end()) co_return std::nullopt;
    atproto::Object thread = co_await thread_of(context, *post, recent.posts, Quotes::shown);
    const std::string parent(reply_uri(post->value, "parent"));
    if (!parent.empty()) {
        const auto above = co_await context.views.thread_above(
            parent, context.parameter("parentHeight").value_or("80"));
        if (above) thread.set("parent", *above);
    }
    co_return atproto::Object{{"thread", std::move(thread)}};
}

Task<std::optional<atproto::Object>> own(ReadAfterWrite& context) {
    const std::optional<std::string> rkey = own_post(context);
    if (!rkey) co_return std::nullopt;
    struct Found {
        std::optional<pds::RecentRecord> post;
        std::vector<pds::RecentRecord> others;
    };
    const Result<Found> found = co_await context.services.db.read(
        [id = context.call.account().id, rkey = *rkey](db::Transaction& t) -> Result<Found> {
            return Found{pds::recent_records::post(t, id, rkey),
                         pds::recent_records::posts(t, id, std::nullopt, pds::recent_posts_seen)};
        });
    if (!found.has_value() || !found->post) co_return std::nullopt;
    // The oldest first: a reply comes after what it answers.
    std::vector<pds::RecentRecord> others = found->others;
    std::ranges::reverse(others);
    atproto::Object thread = co_await thread_of(context, *found->post, others, Quotes::left_out);
    co_return atproto::Object{{"thread", std::move(thread)}};
}

}  // namespace

void bsky::add_getPostThread(xrpc::Router& router, const Services& services) {
    add_view(
        router, services, "app.bsky.feed.getPostThread",
        {.patch = patch, .without_app_view = own, .instead_of_not_found = instead_of_not_found});
}

}  // namespace roost::api
