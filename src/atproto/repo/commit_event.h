// The blocks of a #commit event, made and judged: the commit, the nodes of the tree that are new or
// are needed to undo the operations, and the new records.
// https://atproto.com/specs/sync#commit-events,
// https://atproto.com/specs/repository#repository-diffs
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "atproto/crypto/keys.h"
#include "atproto/data/block.h"
#include "atproto/mst/tree.h"
#include "atproto/repo/commit.h"
#include "atproto/repo/operation.h"

namespace roost::atproto {

// In the order of the CAR file, each block once. `since` is the stamp of the tree before (see
// mst/node_source.h); `records` are the blocks that the operations created or updated.
// Errors: those of loading what the proofs need.
Result<Blocks> commit_event_blocks(const Block& commit, const mst::Tree& after, std::uint64_t since,
                                   mst::NodeSource& source, std::span<const Operation> operations,
                                   Blocks records);

struct CommitEvent {
    Did repo;
    Tid rev;
    Cid commit;
    std::optional<Cid> prev_data;  // the root before; none if the tree before was empty
    std::vector<Operation> operations;
    ByteView blocks;  // a CAR file
};

// Whether the event is true in itself: the CAR file is well-formed and has the commit, which agrees
// with the event and, with a key, is signed by it; the new records are there; and undoing the
// operations leads to prev_data. Whether it follows the event before is not judged.
// Errors: Fault::invalid, "InvalidCommitEvent", or those of its parts; Fault::payload_too_large.
Result<Commit> verify_commit_event(const CommitEvent& event, const PublicKey* key);

}  // namespace roost::atproto
