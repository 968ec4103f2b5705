// What the methods that write to a repository share.
// https://atproto.com/specs/repository
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/record_view.h"
#include "api/services.h"
#include "base/task.h"
#include "lexicon/com/atproto/repo/defs.h"
#include "pds/repos/repos.h"
#include "xrpc/call.h"

namespace roost::api {

// What a write costs, of points that an account has for all methods that write records.
inline constexpr std::int64_t create_points = 3;
inline constexpr std::int64_t update_points = 2;
inline constexpr std::int64_t delete_points = 1;
// The rule of such a method.
xrpc::Rule write_rule(xrpc::CallCost cost);

// Writes to the repository that the input names, which must be the caller's own, by DID or handle.
// Errors: those of Repos::write(); 401 AccountDeactivated, 401 AuthenticationRequired for somebody
// else's, 403 AccountNotFound for nobody's.
Task<Result<pds::Written>> write_own_repo(const Services& services, const xrpc::Call& call,
                                          std::string repo, pds::WriteRequest request);

pds::Validation validation_of(std::optional<bool> validate);
// A record as an input has it. Errors: Fault::invalid, if it is no object.
Result<atproto::Object> object_of(atproto::Value record);
// A CID in an input, which the lexicon has checked loosely. Errors: Fault::invalid.
Result<std::optional<atproto::Cid>> cid_of(const std::optional<std::string>& text);

std::optional<lexicon::com::atproto::repo::defs::CommitMeta> commit_view(
    const pds::Written& written);
// None for a record that was not validated.
std::optional<std::string> status_view(pds::ValidationStatus status);

// The answer of a method that wrote one record.
template <class Output>
Output record_written(const atproto::Did& did, const pds::Written& written) {
    const pds::Written::Item& item = written.items.front();
    return {.uri = uri_of(did, item.key),
            .cid = item.cid->text(),
            .commit = commit_view(written),
            .validationStatus = status_view(item.status)};
}

}  // namespace roost::api
