// Whether a repository on the disk is what it says it is: for the operator, beside a server that
// runs, or without one.
//
// Looks at everything: the CID and the signature of the commit, the CID of each record, the tree
// that the records make, and each stored node of it. Memory is that of the keys and the tree: some
// 200 bytes a record. https://atproto.com/specs/repository
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/mst/tree.h"
#include "base/result.h"
#include "db/transaction.h"
#include "pds/account.h"
#include "pds/repo_id.h"
#include "pds/repos/signing_keys.h"

namespace roost::pds {

struct RepoReport {
    std::int64_t records = 0;
    std::int64_t bytes = 0;  // of records
    // Whole sentences; twenty of each at most. What only concerns the stored nodes is
    // apart: those can be made anew from the records (rebuild_nodes()).
    std::vector<std::string> problems;
    std::vector<std::string> node_problems;

    bool is_sound() const { return problems.empty() && node_problems.empty(); }
};

// Errors: Fault::not_found, "RepoNotFound".
Result<RepoReport> check_repo(db::Transaction& t, const Account& account,
                              const FindSigningKey& find_key);

// What rebuild_nodes() and sign_records() did.
struct RebuiltRepo {
    atproto::Cid root;
    std::int64_t records = 0;
};

// The stored nodes are thrown away and made anew from the rows of the records, which are the truth.
// No server may run. Errors: Fault::invalid, "OtherTree", if the records do not make the tree of
// the newest commit; then nothing is changed.
Result<RebuiltRepo> rebuild_nodes(db::Transaction& t, const Account& account);

// The same, and a new commit says that the repository is what the records are, whatever they were
// before; consumers of the stream are told to fetch it anew (#sync).
Result<RebuiltRepo> sign_records(db::Transaction& t, const Account& account,
                                 const FindSigningKey& find_key, Timestamp now);

}  // namespace roost::pds
