// A repository as a CAR file, made piece by piece from one snapshot, in the order that lets readers
// work as it arrives: the commit, then each node followed by what hangs on it, from left to right.
// Holds a path through the tree and a page of nodes and records, whatever the size. Every block is
// what its CID says: the disk is not trusted. Used by one thread at a time; must not outlive the
// database.
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

// At most one of both; neither: all of it.
struct ExportPart {
    // Only the blocks that came after this revision.
    std::optional<atproto::Tid> since = std::nullopt;
    // Only this collection, with the nodes that prove that it is whole.
    std::optional<atproto::Nsid> collection = std::nullopt;
};

class RepoExport {
  public:
    // Errors: those of load_tree() and Database::open_snapshot().
    static Result<std::unique_ptr<RepoExport>> open(db::Database& database, const Account& account,
                                                    const ExportPart& part);

    // Appends at least one block, and more up to about bytes_max. False: that was the end.
    // Errors: Fault::internal, and a line in the log that names the repository, if it is damaged.
    Result<bool> append_to(Bytes& car, std::size_t bytes_max);

  private:
    RepoExport(std::unique_ptr<db::Snapshot> snapshot, const Account& account, LoadedTree loaded,
               const ExportPart& part);
    Error damaged(std::string_view reason) const;
    Result<void> append_commit(Bytes& car);
    Result<void> append_record(Bytes& car, std::string_view key, const atproto::Cid& cid);

    std::unique_ptr<db::Snapshot> snapshot_;
    RepoId repo_;
    atproto::Did did_;
    repo_store::Head head_;
    std::optional<std::uint64_t> since_;
    node_store::NodesInOrder nodes_;
    atproto::mst::PreorderWalk walk_;
    // Values of those that the walk comes by, in order, unless only new ones are wanted. Stands
    // before a row or at the end.
    std::optional<db::Rows> values_;
    bool has_begun_ = false;
};

}  // namespace roost::pds
