// Finds blocks of a repository by their CIDs: the commit, nodes of the tree, records. What is
// stored is not indexed by CID, as hardly anybody asks: this walks through the tree, in turns, so
// that a large repository holds nobody else up. Used by one thread at a time; must not outlive the
// database.
#pragma once

#include <memory>
#include <unordered_set>
#include <vector>

#include "atproto/data/block.h"
#include "atproto/mst/cursor.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/repos/node_store.h"
#include "pds/repos/repo_state.h"

namespace roost::pds {

class BlockSearch {
  public:
    // Errors: those of load_tree() and Database::open_snapshot().
    static Result<std::unique_ptr<BlockSearch>> open(db::Database& database, const Account& account,
                                                     const std::vector<atproto::Cid>& cids);

    // Goes on for some hundred blocks. False when there is no more to do.
    Result<bool> step();

    const atproto::Blocks& found() const { return found_; }
    const std::unordered_set<atproto::Cid>& missing() const { return missing_; }

  private:
    BlockSearch(std::unique_ptr<db::Snapshot> snapshot, LoadedTree loaded,
                const std::vector<atproto::Cid>& cids);

    std::unique_ptr<db::Snapshot> snapshot_;
    RepoId repo_;
    node_store::NodesInOrder nodes_;
    atproto::mst::PreorderWalk walk_;
    atproto::Blocks found_;
    std::unordered_set<atproto::Cid> missing_;
};

}  // namespace roost::pds
