#include "pds/repos/recent_records.h"

#include <algorithm>
#include <utility>

#include "atproto/data/cbor.h"
#include "base/check.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_store.h"

namespace roost::pds {

namespace {

constexpr std::string_view post_collection = "app.bsky.feed.post";
constexpr std::string_view profile_key = "app.bsky.actor.profile/self";

// The microseconds of a TID's number stand above its ten bits of clock id.
Timestamp time_of(std::uint64_t rev) {
    return {static_cast<std::int64_t>(rev >> 10)};
}

RecentRecord read(const record_store::RecordView& record) {
    const Result<atproto::Value> value = atproto::cbor::decode(record.value);
    check(value.has_value() && value->as<atproto::Object>() != nullptr,
          "a stored record is an object");
    return RecentRecord{.rkey = std::string(record.key.substr(record.key.find('/') + 1)),
                        .cid = record.cid,
                        .written_at = time_of(record.rev),
                        .value = *value->as<atproto::Object>()};
}

std::optional<RecentRecord> read(const record_store::Record& record) {
    if (record.takedown_ref) return std::nullopt;
    return read(record_store::RecordView{record.key, record.cid, record.rev, record.value});
}

std::optional<RecentRecord> find(db::Transaction& t, std::int64_t account_id,
                                 std::string_view key) {
    const std::optional<repo_store::StoredRepo> repo = repo_store::find(t, account_id);
    if (!repo) return std::nullopt;
    const std::optional<record_store::Record> record = record_store::find(t, repo->id, key);
    return record ? read(*record) : std::nullopt;
}

}  // namespace

Timestamp RecentRecords::oldest() const {
    check(!is_empty(), "somebody asks how old something is");
    if (!profile) return posts.front().written_at;
    return posts.empty() ? profile->written_at
                         : std::min(profile->written_at, posts.front().written_at);
}

namespace recent_records {

RecentRecords since(db::Transaction& t, std::int64_t account_id, const atproto::Tid& rev) {
    RecentRecords found;
    const std::optional<repo_store::StoredRepo> repo = repo_store::find(t, account_id);
    if (!repo || repo->head.rev.number() <= rev.number()) return found;
    if (!record_store::has_any_until(t, repo->id, rev.number())) return found;
    if (const auto profile = record_store::find(t, repo->id, profile_key);
        profile && profile->rev > rev.number())
        found.profile = read(*profile);
    auto newest = record_store::list(t, repo->id, post_collection, {.limit = recent_posts_seen});
    while (const std::optional<record_store::RecordView> post = newest.next()) {
        if (post->rev <= rev.number()) continue;
        found.posts.push_back(read(*post));
        if (std::ssize(found.posts) == recent_posts_max) break;
    }
    // Those of one commit by their keys.
    std::ranges::sort(found.posts, {}, [](const RecentRecord& post) {
        return std::pair(post.written_at, std::string_view(post.rkey));
    });
    return found;
}

std::optional<RecentRecord> profile(db::Transaction& t, std::int64_t account_id) {
    return find(t, account_id, profile_key);
}

std::optional<RecentRecord> post(db::Transaction& t, std::int64_t account_id,
                                 std::string_view rkey) {
    return find(t, account_id, std::string(post_collection) + "/" + std::string(rkey));
}

std::vector<RecentRecord> posts(db::Transaction& t, std::int64_t account_id,
                                const std::optional<std::string>& before, std::int64_t limit) {
    std::vector<RecentRecord> found;
    const std::optional<repo_store::StoredRepo> repo = repo_store::find(t, account_id);
    if (!repo) return found;
    auto page =
        record_store::list(t, repo->id, post_collection, {.before = before, .limit = limit});
    while (const std::optional<record_store::RecordView> post = page.next())
        found.push_back(read(*post));
    return found;
}

}  // namespace recent_records

}  // namespace roost::pds
