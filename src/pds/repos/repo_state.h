// A repository at one commit, in memory: what the next commit is made from. A value that never
// changes; any thread may hold it. The newest may stand for a commit that is not durable yet, see
// warm_repos.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "atproto/crypto/keys.h"
#include "atproto/mst/edit.h"
#include "atproto/mst/tree.h"
#include "atproto/syntax/syntax.h"
#include "db/transaction.h"
#include "pds/repo_id.h"
#include "pds/repos/repo_store.h"
#include "pds/repos/signing_keys.h"

namespace roost::pds {

// What was committed since the tree's nodes were written.
struct Unwritten {
    int commits = 0;
    int operations = 0;
};

struct RepoState {
    RepoId id;
    atproto::Tid rev;
    atproto::Cid commit;
    atproto::mst::Tree tree;
    std::int64_t record_count;
    atproto::PrivateKey key;

    // How the stored nodes lag behind: the stamp of the newest of them (none are, if they have to
    // be written anew), what came since, and what left its place meanwhile.
    std::optional<std::uint64_t> nodes_stamp;
    Unwritten unwritten;
    std::vector<atproto::mst::Edit::Place> left_places;
};

// A repository's tree as it is in the transaction, with what is needed to go on from it.
struct LoadedTree {
    repo_store::StoredRepo stored;
    atproto::mst::Tree tree;
    std::optional<std::uint64_t> nodes_stamp;
    Unwritten unwritten;
    std::vector<atproto::mst::Edit::Place> left_places;
};

// Reads the repository from its rows, and replays what was committed since the nodes were written.
// If that does not lead to the tree of the commit, the tree is made anew from the records, which
// the log tells. Errors: Fault::not_found "RepoNotFound"; Fault::internal, if the records are not
// those of the commit either. https://atproto.com/specs/repository
Result<LoadedTree> load_tree(db::Transaction& t, std::int64_t account_id, const atproto::Did& did);
Result<std::shared_ptr<const RepoState>> load_repo(db::Transaction& t, std::int64_t account_id,
                                                   const atproto::Did& did,
                                                   const FindSigningKey& find_key);

}  // namespace roost::pds
