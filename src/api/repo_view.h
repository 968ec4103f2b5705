// What the network may see of a repository.
// https://atproto.com/specs/sync
#pragma once

#include <string>

#include "api/services.h"
#include "base/task.h"
#include "net/http.h"
#include "pds/repos/repo_export.h"
#include "pds/repos/repo_store.h"
#include "xrpc/call.h"

namespace roost::api {

inline constexpr std::string_view car_content_type = "application/vnd.ipld.car";

// What a method asks of those who read a repository: nothing, but its owner and the administrator
// may read one that is deactivated or taken down.
xrpc::Rule repo_rule(xrpc::TakendownCallers takendown = xrpc::TakendownCallers::refused);
// The account of a DID or handle whose repository the caller may read.
// Errors: RepoNotFound, RepoTakendown, RepoDeactivated.
Task<Result<pds::Account>> find_open_repo(const Services& services, const xrpc::Call& call,
                                          std::string identifier);
Task<Result<pds::repo_store::Head>> find_head(const Services& services, const xrpc::Call& call,
                                              std::string identifier);

// The repository as a CAR file, or the part of it that is asked for.
Task<Result<net::Response>> export_repo(const Services& services, const pds::Account& account,
                                        const pds::ExportPart& part);

}  // namespace roost::api
