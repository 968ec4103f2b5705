// A repository as a CAR file, made piece by piece from one snapshot, in the order that lets readers
// work as it arrives: the commit, then each node followed by what hangs on it, from left to right.
// Holds a path through the tree and a page of nodes and records, whatever the size. Used by one
// thread at a time; must not outlive the database.
// https://atproto.com/specs/repository#streamable-car-block-ordering
#pragma once

#include <memory>
#include <optional>

#include "atproto/mst/cursor.h"
#include "atproto/syntax/syntax.h"
#include "base/bytes.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/repos/node_store.h"
#include "pds/repos/repo_state.h"

namespace roost::pds {

class RepoExport {
  public:
    // With `since`, only the blocks that came after this revision.
    // Errors: those of load_tree() and Database::open_snapshot().
    static Result<std::unique_ptr<RepoExport>> open(db::Database& database, const Account& account,
                                                    const std::optional<atproto::Tid>& since);

    // Appends at least one block, and more up to about bytes_max. False: that was the end.
    Result<bool> append_to(Bytes& car, std::size_t bytes_max);

  private:
    RepoExport(std::unique_ptr<db::Snapshot> snapshot, LoadedTree loaded,
               const std::optional<atproto::Tid>& since);
    Result<void> append_record(Bytes& car, std::string_view key, const atproto::Cid& cid);

    std::unique_ptr<db::Snapshot> snapshot_;
    RepoId repo_;
    repo_store::Head head_;
    std::optional<std::uint64_t> since_;
    node_store::NodesInOrder nodes_;
    atproto::mst::PreorderWalk walk_;
    std::optional<db::Rows> records_;  // all of them, in order; stands before a row or at the end
    bool has_begun_ = false;
};

}  // namespace roost::pds
