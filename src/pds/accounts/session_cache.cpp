#include "pds/accounts/session_cache.h"

#include "pds/limits.h"

namespace roost::pds {

std::shared_ptr<const Authenticated> SessionCache::find(std::string_view access_jwt,
                                                        Timestamp now) const {
    const Shard& shard = shards_[shard_of(access_jwt)];
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.entries.find(access_jwt);
    if (found == shard.entries.end()) return nullptr;
    const Entry& entry = found->second;
    const bool is_current =
        entry.expires_s > now.seconds() &&
        entry.session_version == versions_.version(watched_session, entry.session_row) &&
        entry.account_version == versions_.version(watched_account, entry.found->account.id);
    return is_current ? entry.found : nullptr;
}

void SessionCache::remember(std::string_view access_jwt, std::int64_t expires_s,
                            std::int64_t session_row, std::shared_ptr<const Authenticated> found,
                            std::uint64_t epoch) {
    Entry entry{
        .found = std::move(found),
        .expires_s = expires_s,
        .session_row = session_row,
        .session_version = versions_.version(watched_session, session_row),
        .account_version = 0,
    };
    entry.account_version = versions_.version(watched_account, entry.found->account.id);
    // A commit came between the look and here: which rows it changed is not worth finding out.
    if (versions_.epoch() != epoch) return;
    Shard& shard = shards_[shard_of(access_jwt)];
    const std::lock_guard lock(shard.mutex);
    if (shard.entries.size() >= limits::cached_sessions_max / shards_.size()) shard.entries.clear();
    shard.entries.insert_or_assign(std::string(access_jwt), std::move(entry));
}

}  // namespace roost::pds
