// What the network may see of a repository.
// https://atproto.com/specs/sync
#pragma once

#include "api/services.h"
#include "base/task.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

// Errors: RepoNotFound, RepoTakendown, RepoDeactivated.
Task<Result<pds::repo_store::Head>> find_repo(const Services& services, atproto::Did did);

// The whole repository as a CAR file: the commit, then the tree.
Bytes car_of(const pds::repo_store::Head& head);

}  // namespace roost::api
