#include "pds/repos/repo_state.h"

#include <algorithm>

#include "base/log.h"
#include "pds/repos/node_store.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_store.h"
#include "pds/sync/commit_message.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

using atproto::mst::Edit;
using atproto::mst::Tree;

Error damaged(const atproto::Did& did) {
    return {Fault::internal, "InternalServerError",
            "The repository of " + did.text() +
                " is damaged: its records are not those of its commit. Restore it from a backup."};
}

// What the commits did, each under the stamp that it had.
Result<Tree> replay(Tree tree, atproto::mst::NodeSource& nodes, std::span<const Bytes> commits,
                    LoadedTree& loaded) {
    for (const Bytes& body : commits) {
        const LoggedCommit commit = read_commit(body);
        if (commit.operations.empty()) continue;
        Edit edit(tree, commit.rev.number(), atproto::mst::Moves::tracked);
        for (const atproto::Operation& operation : commit.operations) {
            if (operation.cid)
                TRY(edit.set(nodes, operation.path, *operation.cid));
            else
                TRY(edit.erase(nodes, operation.path));
        }
        tree = TRY(edit.seal(nodes));
        std::ranges::copy(edit.left_places(), std::back_inserter(loaded.left_places));
        loaded.unwritten.operations += static_cast<int>(commit.operations.size());
    }
    return tree;
}

std::uint64_t first_stamp(const std::vector<Bytes>& commits) {
    return read_commit(commits.front()).rev.number();
}

Result<Tree> tree_of_records(db::Transaction& t, RepoId repo, std::uint64_t stamp) {
    return atproto::mst::build_tree(record_store::keys(t, repo), stamp);
}

}  // namespace

Result<LoadedTree> load_tree(db::Transaction& t, std::int64_t account_id, const atproto::Did& did) {
    std::optional<repo_store::StoredRepo> repo = repo_store::find(t, account_id);
    if (!repo) return Error::not_found("Could not find repo: " + did.text(), "RepoNotFound");
    const Result<atproto::Commit> commit = atproto::parse_commit(repo->head.commit_block);
    if (!commit.has_value()) return damaged(did);

    const std::vector<Bytes> commits = event_log::commits(t, repo_store::unwritten(t, repo->id));
    const std::uint64_t stamp = repo->head.rev.number();
    const Tree stored = repo->nodes_root ? Tree(*repo->nodes_root) : Tree();
    const RepoId id = repo->id;
    LoadedTree loaded{.stored = *std::move(repo),
                      .tree = Tree(),
                      .nodes_stamp = commits.empty() ? stamp : first_stamp(commits) - 1,
                      .unwritten = {.commits = static_cast<int>(commits.size())},
                      .left_places = {}};
    node_store::Nodes nodes(t, id);
    Result<Tree> tree = replay(stored, nodes, commits, loaded);
    if (!tree.has_value() || tree->root() != commit->data) {
        log::error("the tree of a repository is made anew from its records",
                   {{"did", did.text()},
                    {"reason", tree.has_value() ? "another root" : tree.error().message}});
        tree = tree_of_records(t, id, stamp);
        if (!tree.has_value() || tree->root() != commit->data) return damaged(did);
        loaded.nodes_stamp = std::nullopt;
        loaded.left_places.clear();
    }
    loaded.tree = *std::move(tree);
    return loaded;
}

Result<std::shared_ptr<const RepoState>> load_repo(db::Transaction& t, std::int64_t account_id,
                                                   const atproto::Did& did,
                                                   const FindSigningKey& find_key) {
    LoadedTree loaded = TRY(load_tree(t, account_id, did));
    return std::make_shared<const RepoState>(RepoState {
        .id = loaded.stored.id, .rev = loaded.stored.head.rev,
        .commit = loaded.stored.head.commit_cid, .tree = std::move(loaded.tree),
        .record_count = loaded.stored.record_count, .key = TRY(find_key(t, account_id))
        , .nodes_stamp = loaded.nodes_stamp, .unwritten = loaded.unwritten,
            .left_places = std::move(loaded.left_places),
    });
}

}  // namespace roost::pds
