// Which repository: what the rows of records, tree nodes and references to blobs are found by.
//
// An id is never given again. An account has one repository at a time, and an import gives it
// another (docs/decisions/0020-repository-ids-and-imports.md), so whoever has an account's id asks
// for its repository within the same transaction.
#pragma once

#include <cstdint>

namespace roost::pds {

struct RepoId {
    std::int64_t value;

    friend bool operator==(const RepoId&, const RepoId&) = default;
};

// A repository and whose it is.
struct OwnedRepo {
    RepoId id;
    std::int64_t account_id;
};

}  // namespace roost::pds
