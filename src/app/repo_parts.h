// What the house needs to build the parts that keep repositories.
#pragma once

#include "app/blob_place.h"
#include "app/config.h"
#include "app/jobs.h"
#include "pds/accounts/key_vault.h"
#include "pds/repos/removal.h"
#include "pds/repos/repo_imports.h"
#include "pds/repos/restore_watch.h"
#include "pds/repos/signing_keys.h"

namespace roost::app {

// The vault must outlive it.
pds::FindSigningKey signing_keys(const pds::KeyVault& vault);
pds::ImportOptions import_options(const Config& config, const BlobPlace& place);
// Before the server answers. A file that cannot be used is told, and no reason not to start.
void begin_watch(pds::RestoreWatch& watch);
// When nobody makes events any more.
void end_watch(pds::RestoreWatch& watch);
void add_repo_jobs(Jobs& jobs, pds::RepoRemoval& removal, pds::RestoreWatch& watch);

}  // namespace roost::app
