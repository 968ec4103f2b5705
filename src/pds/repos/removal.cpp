#include "pds/repos/removal.h"

#include <algorithm>

#include "base/executor.h"
#include "pds/blobs/blob_store.h"
#include "pds/limits.h"
#include "pds/repos/node_store.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_store.h"

namespace roost::pds {

namespace {

// False: that was all.
bool remove_some(db::Transaction& t, RepoId repo) {
    if (record_store::erase_some(t, repo) || node_store::erase_some(t, repo) ||
        blob_store::erase_some_references(t, repo))
        return true;
    repo_store::erase_ownerless(t, repo);
    return false;
}

}  // namespace

RepoRemoval::Guard::Guard(RepoRemoval& owner) : owner_(owner) {
    const std::lock_guard lock(owner_.mutex_);
    place_ = owner_.guarded_.emplace(owner_.guarded_.end());
}

RepoRemoval::Guard::~Guard() {
    const std::lock_guard lock(owner_.mutex_);
    owner_.guarded_.erase(place_);
}

void RepoRemoval::Guard::keep(RepoId repo) {
    const std::lock_guard lock(owner_.mutex_);
    *place_ = repo;
}

bool RepoRemoval::is_guarded(RepoId repo) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(
        guarded_, [&](const std::optional<RepoId>& kept) { return !kept || *kept == repo; });
}

Task<Result<void>> RepoRemoval::run() {
    RepoId last{0};
    while (!is_stopping_) {
        // A row that is read here was guarded before it was written, if it is to be kept.
        const std::optional<RepoId> repo =
            CO_TRY(co_await db_.read([last](db::Transaction& t) -> Result<std::optional<RepoId>> {
                return repo_store::next_ownerless(t, last);
            }));
        if (!repo) break;
        last = *repo;
        if (is_guarded(*repo)) continue;
        while (!is_stopping_ &&
               CO_TRY(co_await db_.write([id = *repo](db::Transaction& t) -> Result<bool> {
                   return remove_some(t, id);
               })))
            co_await sleep_ms(limits::removal_pause_ms);
    }
    co_return Result<void>();
}

}  // namespace roost::pds
