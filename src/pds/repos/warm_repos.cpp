#include "pds/repos/warm_repos.h"

#include "pds/limits.h"

namespace roost::pds {

WarmRepos::State WarmRepos::find(std::int64_t account_id) {
    Shard& shard = this->shard(account_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.by_account.find(account_id);
    if (found == shard.by_account.end()) return nullptr;
    shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
    return found->second->state;
}

void WarmRepos::put(std::int64_t account_id, State state) {
    Entry evicted{};  // ends after the lock: a tree takes time to free
    Shard& shard = this->shard(account_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.by_account.find(account_id);
    if (found != shard.by_account.end()) {
        std::swap(found->second->state, state);
        evicted.state = std::move(state);
        shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
        return;
    }
    shard.entries.push_front({account_id, std::move(state)});
    shard.by_account.emplace(account_id, shard.entries.begin());
    if (shard.entries.size() <= limits::warm_repos_max / shards_.size()) return;
    evicted = std::move(shard.entries.back());
    shard.by_account.erase(evicted.account_id);
    shard.entries.pop_back();
}

void WarmRepos::forget(std::int64_t account_id) {
    State forgotten;
    Shard& shard = this->shard(account_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.by_account.find(account_id);
    if (found == shard.by_account.end()) return;
    forgotten = std::move(found->second->state);
    shard.entries.erase(found->second);
    shard.by_account.erase(found);
}

}  // namespace roost::pds
