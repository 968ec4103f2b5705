#include "pds/repos/repo_check.h"

#include "atproto/mst/cursor.h"
#include "atproto/repo/commit.h"
#include "base/check.h"
#include "pds/limits.h"
#include "pds/repos/node_store.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_state.h"
#include "pds/repos/repo_store.h"
#include "pds/repos/tid_clock.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

using atproto::Cid;
using atproto::Codec;
using atproto::mst::Tree;

namespace {

// A person reads them; a repository that is wholly wrong has a million.
constexpr std::size_t problems_max = 20;

Error not_found(const Account& account) {
    return Error::not_found("There is no repository of " + account.did.text(), "RepoNotFound");
}

void add(std::vector<std::string>& problems, std::string problem) {
    if (problems.size() < problems_max) problems.push_back(std::move(problem));
}

// The root that the commit names; none if it cannot be read.
std::optional<Cid> check_commit(db::Transaction& t, const Account& account,
                                const repo_store::Head& head, const FindSigningKey& find_key,
                                RepoReport& report) {
    if (Cid::of(Codec::dag_cbor, head.commit_block) != head.commit_cid)
        add(report.problems, "The commit is not what its CID says.");
    const Result<atproto::Commit> commit = atproto::parse_commit(head.commit_block);
    if (!commit.has_value()) {
        add(report.problems, "The commit cannot be read: " + commit.error().message + ".");
        return std::nullopt;
    }
    if (commit->did != account.did)
        add(report.problems, "The commit is of " + commit->did.text() + ".");
    if (commit->rev != head.rev)
        add(report.problems, "The commit has the revision " + commit->rev.text() +
                                 ", the repository has " + head.rev.text() + ".");
    const Result<atproto::PrivateKey> key = find_key(t, account.id);
    if (!key.has_value())
        add(report.problems, "The signing key cannot be read: " + key.error().message + ".");
    else if (!atproto::verify_commit(*commit, key->public_key()))
        add(report.problems, "The commit's signature is not by the account's key.");
    return commit->data;
}

void check_records(db::Transaction& t, RepoId repo, const std::vector<atproto::mst::KeyValue>& keys,
                   RepoReport& report) {
    auto known = keys.begin();  // the rows come in the same order
    db::Rows rows = record_store::scan(t, repo);
    while (rows.next()) {
        ++report.records;
        report.bytes += static_cast<std::int64_t>(rows.bytes(1).size());
        check(known != keys.end() && known->key == rows.text(0), "both are of one snapshot");
        if (Cid::of(Codec::dag_cbor, rows.bytes(1)) != known->value)
            add(report.problems, "The record " + known->key + " is not what its CID says.");
        ++known;
    }
}

void check_nodes(db::Transaction& t, const Account& account, RepoReport& report) {
    const Result<LoadedTree> loaded = load_tree(t, account.id, account.did);
    if (!loaded.has_value()) return add(report.node_problems, loaded.error().message);
    if (!loaded->nodes_stamp)
        return add(report.node_problems, "The stored nodes do not make the tree of the commit.");
    node_store::NodesInOrder nodes(t, loaded->stored.id);
    atproto::mst::PreorderWalk walk(loaded->tree);
    while (true) {
        const auto item = walk.next(nodes);
        if (!item.has_value())
            return add(report.node_problems,
                       "A stored node is damaged: " + item.error().message + ".");
        if (!*item) return;
    }
}

struct RecordTree {
    repo_store::StoredRepo stored;
    Tree tree;
    std::int64_t records;
};

Result<RecordTree> tree_of_records(db::Transaction& t, const Account& account) {
    std::optional<repo_store::StoredRepo> stored = repo_store::find(t, account.id);
    if (!stored) return not_found(account);
    const std::vector<atproto::mst::KeyValue> keys = record_store::keys(t, stored->id);
    Tree tree = TRY(atproto::mst::build_tree(keys, stored->head.rev.number()));
    return RecordTree{*std::move(stored), std::move(tree), static_cast<std::int64_t>(keys.size())};
}

// The tree is wholly in memory; what the log says up to now is in it.
void replace_nodes(db::Transaction& t, RepoId repo, const Tree& tree) {
    node_store::erase_all(t, repo);
    node_store::write(t, repo, {}, tree.new_nodes(std::nullopt));
    repo_store::set_nodes(t, repo, event_log::newest(t), tree.root());
}

}  // namespace

Result<RepoReport> check_repo(db::Transaction& t, const Account& account,
                              const FindSigningKey& find_key) {
    const std::optional<repo_store::StoredRepo> stored = repo_store::find(t, account.id);
    if (!stored) return not_found(account);
    RepoReport report;
    const std::optional<Cid> root = check_commit(t, account, stored->head, find_key, report);
    const std::vector<atproto::mst::KeyValue> keys = record_store::keys(t, stored->id);
    check_records(t, stored->id, keys, report);
    if (report.records != stored->record_count)
        add(report.problems, "There are " + std::to_string(report.records) + " records, and " +
                                 std::to_string(stored->record_count) + " were counted.");
    const auto tree = atproto::mst::build_tree(keys);
    if (!tree.has_value())
        add(report.problems, "The records make no tree: " + tree.error().message + ".");
    else if (root && tree->root() != *root)
        add(report.problems, "The records are not those of the commit: they make the tree " +
                                 tree->root().text() + ", the commit names " + root->text() + ".");
    if (root) check_nodes(t, account, report);
    return report;
}

Result<RebuiltRepo> rebuild_nodes(db::Transaction& t, const Account& account) {
    const RecordTree found = TRY(tree_of_records(t, account));
    const atproto::Commit commit = TRY(atproto::parse_commit(found.stored.head.commit_block));
    if (found.tree.root() != commit.data)
        return Error::invalid("The records of " + account.did.text() + " make the tree " +
                                  found.tree.root().text() + ", its newest commit names " +
                                  commit.data.text(),
                              "OtherTree");
    replace_nodes(t, found.stored.id, found.tree);
    return RebuiltRepo{found.tree.root(), found.records};
}

Result<RebuiltRepo> sign_records(db::Transaction& t, const Account& account,
                                 const FindSigningKey& find_key, Timestamp now) {
    const RecordTree found = TRY(tree_of_records(t, account));
    const atproto::PrivateKey key = TRY(find_key(t, account.id));
    const atproto::Tid rev = TidClock().after(now, found.stored.head.rev.number());
    const Bytes block =
        atproto::encode_commit(atproto::sign_commit(account.did, found.tree.root(), rev, key));
    const repo_store::Head head{
        .rev = rev, .commit_cid = Cid::of(Codec::dag_cbor, block), .commit_block = block};
    const bool is_moved =
        repo_store::advance(t, found.stored.id, found.stored.head.rev, head, found.records);
    check(is_moved, "nobody else writes to the database");
    if (account.is_active())
        event_log::append_sync(t, account.did, rev, head.commit_cid, head.commit_block, now);
    replace_nodes(t, found.stored.id, found.tree);
    return RebuiltRepo{found.tree.root(), found.records};
}

}  // namespace roost::pds
