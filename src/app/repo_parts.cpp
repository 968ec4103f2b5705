#include "app/repo_parts.h"

#include "base/log.h"
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

void add_repo_jobs(Jobs& jobs, pds::RepoRemoval& removal) {
    jobs.every(removal_ms, "remove repositories", [&removal] { return remove(removal); });
}

}  // namespace roost::app
