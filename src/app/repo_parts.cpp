#include "app/repo_parts.h"

#include "base/log.h"
#include "base/run_loop.h"
#include "pds/accounts/key_store.h"
#include "pds/limits.h"

namespace roost::app {

namespace {

// How long a repository that nobody sees any more stays before its removal begins, at most.
constexpr std::int64_t removal_ms = 60'000;

Task<void> remove(pds::RepoRemoval& removal) {
    const Result<void> done = co_await removal.run();
    if (!done.has_value())
        log::warn("repositories that belong to nobody could not be removed",
                  {{"reason", done.error().message}});
}

}  // namespace

pds::FindSigningKey signing_keys(const pds::KeyVault& vault) {
    return [&vault](db::Transaction& t, std::int64_t account_id) {
        return pds::key_store::find(t, account_id, vault);
    };
}

pds::ImportOptions import_options(const Config& config, const BlobPlace& place) {
    return {
        .imports =
            config.service.accepts_repo_imports ? pds::Imports::accepted : pds::Imports::refused,
        .bytes_max = config.service.repo_import_bytes_max.value_or(pds::limits::import_bytes_max),
        .free_bytes_min = config.storage.free_bytes_min,
        .folder = place.uploads};
}

void begin_watch(pds::RestoreWatch& watch) {
    RunLoop loop;
    const Result<void> begun = loop.run(watch.begin());
    if (!begun.has_value())
        log::error("a restore of the database would not be noticed",
                   {{"reason", begun.error().message}});
}

void end_watch(pds::RestoreWatch& watch) {
    RunLoop loop;
    loop.run(watch.note_newest());
}

void add_repo_jobs(Jobs& jobs, pds::RepoRemoval& removal, pds::RestoreWatch& watch) {
    jobs.every(removal_ms, "remove repositories", [&removal] { return remove(removal); });
    jobs.every(pds::limits::newest_event_noted_every_ms, "note the newest event",
               [&watch] { return watch.note_newest(); });
    jobs.every(pds::limits::repos_told_every_ms, "tell of restored repositories",
               [&watch] { return watch.tell_some(); });
}

}  // namespace roost::app
