// What the network may see of a repository.
// https://atproto.com/specs/sync
#pragma once

#include <string>

#include "api/services.h"
#include "base/task.h"
#include "net/http.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

inline constexpr std::string_view car_content_type = "application/vnd.ipld.car";

// The account of a DID or handle whose repository everybody may read.
// Errors: RepoNotFound, RepoTakendown, RepoDeactivated.
Task<Result<pds::Account>> find_open_repo(const Services& services, std::string identifier);
Result<void> check_open(const pds::Account& account);
Task<Result<pds::repo_store::Head>> find_head(const Services& services, std::string identifier);

// The whole repository as a CAR file, or what came after a revision.
Task<Result<net::Response>> export_repo(const Services& services, const pds::Account& account,
                                        std::optional<atproto::Tid> since);

}  // namespace roost::api
