// The next commit of a repository, made from the one before and the writes that were asked for:
// everything that must be stored and told, ready before the database's writer sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/repo/operation.h"
#include "db/transaction.h"
#include "pds/repos/repo_state.h"
#include "pds/repos/repo_store.h"
#include "pds/repos/write.h"

namespace roost::pds {

// Whether a new like, repost, follow or block takes the place of older ones of the same subject.
enum class SameSubject { kept, replaced };

// The writes of one request. None writes to a record that another one writes to.
struct Batch {
    std::vector<PreparedWrite> writes;
    std::optional<atproto::Cid> swap_commit = std::nullopt;
    SameSubject same_subject = SameSubject::kept;
};
// Errors: Fault::invalid "InvalidRequest".
Result<void> check_batch(const Batch& batch);

struct CommitDraft {
    OwnedRepo repo;
    atproto::Did did;
    std::shared_ptr<const RepoState> base;
    std::shared_ptr<const RepoState> next;
    repo_store::Head head;
    std::shared_ptr<const Batch> batch;
    std::vector<atproto::Operation> operations;
    Bytes message;  // the event

    // The tree's nodes, when it is time to write them. Their places are views into the tree.
    struct NodeWrites {
        atproto::mst::Tree tree;
        std::vector<atproto::mst::Edit::Place> left_places;
        std::vector<atproto::mst::NewNode> nodes;
        bool replace_all;
    };
    std::optional<NodeWrites> node_writes;
};

// None if the writes change nothing. Reads tree nodes that are not in memory.
// Errors: Fault::invalid "InvalidSwap" if a swap does not hold; "InvalidRequest" if a record that
// must exist does not, or the other way round, or the commit would be too large.
Result<std::shared_ptr<const CommitDraft>> draft_commit(db::Transaction& t, std::int64_t account_id,
                                                        const atproto::Did& did,
                                                        std::shared_ptr<const RepoState> base,
                                                        std::shared_ptr<const Batch> batch,
                                                        TidClock& clock, Timestamp now);

// Reads the commit back and checks its signature. Errors: Fault::internal.
Result<void> verify_draft(const CommitDraft& draft);

// The error of a draft whose base is not the repository's newest commit any more: a new one is to
// be made.
inline constexpr std::string_view overtaken = "Overtaken";
Result<void> store_commit(db::Transaction& t, const CommitDraft& draft, Timestamp now);

}  // namespace roost::pds
