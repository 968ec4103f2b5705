#include "api/app/bsky/own_views.h"

#include <algorithm>

#include "api/app/bsky/json_members.h"
#include "atproto/data/json.h"
#include "base/check.h"
#include "db/database.h"
#include "xrpc/proxy.h"

namespace roost::api {

namespace {

void set_or_erase(atproto::Object& view, const char* name, const atproto::Value* value) {
    if (value != nullptr)
        view.set(name, *value);
    else
        view.erase(name);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

bool OwnViews::is_own(std::string_view identifier) const {
    return identifier == did().text() ||
           equals_ignoring_case(identifier, call_.account().handle.text());
}

std::string OwnViews::uri(const pds::RecentRecord& post) const {
    return "at://" + did().text() + "/app.bsky.feed.post/" + post.rkey;
}

std::string OwnViews::image_url(std::string_view kind, const atproto::Object& blob) const {
    // The second is how blobs were written before they had a type.
    const auto* link = member<atproto::Cid>(blob, "ref");
    const std::string cid = link != nullptr ? link->text() : std::string(text_member(blob, "cid"));
    const std::optional<std::string>& pattern = services_.facts.image_url_pattern;
    if (!pattern)
        return "https://" + services_.facts.hostname +
               "/xrpc/com.atproto.sync.getBlob?did=" + did().text() + "&cid=" + cid;
    std::string url = *pattern;
    std::size_t from = 0;
    for (const std::string_view value :
         {kind, std::string_view(did().text()), std::string_view(cid)}) {
        const std::size_t at = url.find("%s", from);
        if (at == std::string::npos) break;
        url.replace(at, 2, value);
        from = at + value.size();
    }
    return url;
}

void OwnViews::update_basic(atproto::Object& view, const atproto::Object& profile) const {
    set_or_erase(view, "displayName", profile.find("displayName"));
    const auto* avatar = member<atproto::Object>(profile, "avatar");
    if (avatar != nullptr)
        view.set("avatar", image_url("avatar", *avatar));
    else
        view.erase("avatar");
}

void OwnViews::update_detailed(atproto::Object& view, const atproto::Object& profile) const {
    update_basic(view, profile);
    set_or_erase(view, "description", profile.find("description"));
    const auto* banner = member<atproto::Object>(profile, "banner");
    if (banner != nullptr)
        view.set("banner", image_url("banner", *banner));
    else
        view.erase("banner");
}

atproto::Object OwnViews::basic_profile(const std::optional<pds::RecentRecord>& profile) const {
    atproto::Object view{{"did", did().text()}, {"handle", call_.account().handle.text()}};
    if (profile) update_basic(view, profile->value);
    return view;
}

atproto::Object OwnViews::detailed_profile(const std::optional<pds::RecentRecord>& profile) const {
    atproto::Object view = basic_profile(profile);
    if (profile) {
        update_detailed(view, profile->value);
        view.set("indexedAt", to_iso8601(profile->written_at));
    }
    view.set("createdAt", to_iso8601(call_.account().created_at));
    return view;
}

Task<std::optional<pds::RecentRecord>> OwnViews::profile() {
    using Found = std::optional<pds::RecentRecord>;
    const Result<Found> found =
        co_await services_.db.read([id = call_.account().id](db::Transaction& t) -> Result<Found> {
            return pds::recent_records::profile(t, id);
        });
    co_return found.value_or(std::nullopt);
}

atproto::Object OwnViews::plain_post(const pds::RecentRecord& post, atproto::Object author) const {
    atproto::Object view{{"uri", uri(post)},
                         {"cid", post.cid.text()},
                         {"author", std::move(author)},
                         {"record", post.value},
                         {"replyCount", 0},
                         {"repostCount", 0},
                         {"likeCount", 0},
                         {"quoteCount", 0},
                         {"indexedAt", to_iso8601(post.written_at)}};
    const auto* embed = member<atproto::Object>(post.value, "embed");
    if (std::optional<atproto::Value> shown = embed != nullptr ? media(*embed) : std::nullopt)
        view.set("embed", *std::move(shown));
    return view;
}

Task<atproto::Object> OwnViews::post(const pds::RecentRecord& post, atproto::Object author) {
    atproto::Object view = plain_post(post, std::move(author));
    if (std::optional<atproto::Value> shown = co_await embed(post.value))
        view.set("embed", *std::move(shown));
    co_return view;
}

Task<std::optional<atproto::Value>> OwnViews::thread_above(std::string uri, std::string height) {
    const auto answer = co_await ask("app.bsky.feed.getPostThread",
                                     "uri=" + net::percent_encode(uri) + "&parentHeight=" +
                                         net::percent_encode(height) + "&depth=0");
    const atproto::Value* thread = answer ? answer->find("thread") : nullptr;
    co_return thread != nullptr ? std::optional(*thread) : std::nullopt;
}

Task<void> OwnViews::insert_into_feed(atproto::Array& feed, std::vector<pds::RecentRecord> posts) {
    const auto indexed_at = [](const atproto::Value& item) -> std::string_view {
        const auto* object = item.as<atproto::Object>();
        const auto* shown = object != nullptr ? object_at(*object, "post") : nullptr;
        return shown != nullptr ? text_member(*shown, "indexedAt") : std::string_view();
    };
    const std::string oldest(feed.empty() ? std::string_view() : indexed_at(feed.back()));
    std::erase_if(posts, [&](const pds::RecentRecord& post) {
        return to_iso8601(post.written_at) <= oldest;
    });
    if (posts.empty()) co_return;
    const atproto::Object author = basic_profile(co_await profile());
    for (const pds::RecentRecord& one : posts) {
        const std::string written_at = to_iso8601(one.written_at);
        const auto place = std::ranges::find_if(
            feed, [&](const atproto::Value& item) { return indexed_at(item) < written_at; });
        const auto index = place - feed.begin();
        atproto::Object view = co_await post(one, author);
        feed.insert(feed.begin() + index, atproto::Object{{"post", std::move(view)}});
    }
}

Task<std::optional<atproto::Value>> OwnViews::embed(const atproto::Object& post) {
    const auto* embed = member<atproto::Object>(post, "embed");
    if (embed == nullptr) co_return std::nullopt;
    if (is_of_type(*embed, "app.bsky.embed.record")) co_return co_await quote(*embed);
    if (!is_of_type(*embed, "app.bsky.embed.recordWithMedia")) co_return media(*embed);
    const auto* record = member<atproto::Object>(*embed, "record");
    const auto* shown_with = member<atproto::Object>(*embed, "media");
    std::optional<atproto::Value> shown = shown_with != nullptr ? media(*shown_with) : std::nullopt;
    if (record == nullptr || !shown) co_return std::nullopt;
    co_return atproto::Object{{"$type", "app.bsky.embed.recordWithMedia#view"},
                              {"record", co_await quote(*record)},
                              {"media", *std::move(shown)}};
}

std::optional<atproto::Value> OwnViews::media(const atproto::Object& embed) const {
    if (is_of_type(embed, "app.bsky.embed.images")) return images(embed);
    if (is_of_type(embed, "app.bsky.embed.external")) return external(embed);
    return std::nullopt;
}

atproto::Value OwnViews::images(const atproto::Object& embed) const {
    atproto::Array views;
    if (const auto* list = member<atproto::Array>(embed, "images")) {
        for (const atproto::Value& item : *list) {
            const auto* image = item.as<atproto::Object>();
            const auto* blob = image != nullptr ? object_at(*image, "image") : nullptr;
            if (blob == nullptr) continue;
            atproto::Object view{{"thumb", image_url("feed_thumbnail", *blob)},
                                 {"fullsize", image_url("feed_fullsize", *blob)},
                                 {"alt", text_member(*image, "alt")}};
            if (const atproto::Value* ratio = image->find("aspectRatio"))
                view.set("aspectRatio", *ratio);
            views.emplace_back(std::move(view));
        }
    }
    return atproto::Object{{"$type", "app.bsky.embed.images#view"}, {"images", std::move(views)}};
}

atproto::Value OwnViews::external(const atproto::Object& embed) const {
    atproto::Object shown;
    if (const auto* link = object_at(embed, "external")) {
        for (const char* name : {"uri", "title", "description"})
            if (const atproto::Value* value = link->find(name)) shown.set(name, *value);
        if (const auto* thumb = object_at(*link, "thumb"))
            shown.set("thumb", image_url("feed_thumbnail", *thumb));
    }
    return atproto::Object{{"$type", "app.bsky.embed.external#view"},
                           {"external", std::move(shown)}};
}

Task<atproto::Value> OwnViews::quote(const atproto::Object& embed) {
    const auto* record = object_at(embed, "record");
    const std::string uri(record != nullptr ? text_member(*record, "uri") : std::string_view());
    std::optional<atproto::Value> shown = co_await quoted(uri);
    if (!shown)
        shown = atproto::Object{
            {"$type", "app.bsky.embed.record#viewNotFound"}, {"uri", uri}, {"notFound", true}};
    co_return atproto::Object{{"$type", "app.bsky.embed.record#view"},
                              {"record", *std::move(shown)}};
}

Task<std::optional<atproto::Value>> OwnViews::quoted(std::string uri) {
    const Result<atproto::AtUri> parsed = atproto::AtUri::parse(uri);
    if (!parsed.has_value()) co_return std::nullopt;
    const std::string collection(parsed->collection());
    const std::string argument = net::percent_encode(uri);
    if (collection == "app.bsky.feed.post") {
        const auto answer = co_await ask("app.bsky.feed.getPosts", "uris=" + argument);
        const auto* posts = answer ? member<atproto::Array>(*answer, "posts") : nullptr;
        const auto* post =
            posts != nullptr && !posts->empty() ? posts->front().as<atproto::Object>() : nullptr;
        if (post == nullptr) co_return std::nullopt;
        atproto::Object view{{"$type", "app.bsky.embed.record#viewRecord"}};
        for (const char* name : {"uri", "cid", "author", "labels", "indexedAt"})
            if (const atproto::Value* value = post->find(name)) view.set(name, *value);
        if (const atproto::Value* record = post->find("record")) view.set("value", *record);
        if (const atproto::Value* embed = post->find("embed"))
            view.set("embeds", atproto::Array{*embed});
        co_return view;
    }
    const bool is_feed = collection == "app.bsky.feed.generator";
    if (!is_feed && collection != "app.bsky.graph.list") co_return std::nullopt;
    const auto answer = is_feed ? co_await ask("app.bsky.feed.getFeedGenerator", "feed=" + argument)
                                : co_await ask("app.bsky.graph.getList", "list=" + argument);
    const auto* shown = answer ? object_at(*answer, is_feed ? "view" : "list") : nullptr;
    if (shown == nullptr) co_return std::nullopt;
    atproto::Object view = *shown;
    view.set("$type",
             is_feed ? "app.bsky.feed.defs#generatorView" : "app.bsky.graph.defs#listView");
    co_return view;
}

Task<std::optional<atproto::Object>> OwnViews::ask(std::string nsid, std::string query) {
    const std::optional<pds::RemoteService>& app_view = services_.proxy.services().app_view();
    if (!app_view) co_return std::nullopt;
    Result<xrpc::Forwarded> answer =
        co_await services_.proxy.ask(call_, *app_view,
                                     {.path = "/xrpc/" + nsid + "?" + query,
                                      .method = nsid,
                                      .answer = xrpc::Proxy::Order::Answer::looked_into});
    if (!answer.has_value() || answer->response.status != 200) co_return std::nullopt;
    const Result<std::string> body = co_await services_.proxy.read(*answer);
    if (!body.has_value()) co_return std::nullopt;
    const Result<atproto::Value> value = atproto::json::parse(*body);
    const auto* object = value.has_value() ? value->as<atproto::Object>() : nullptr;
    co_return object != nullptr ? std::optional(*object) : std::nullopt;
}

}  // namespace roost::api
