#include "pds/repos/commit_draft.h"

#include <unordered_set>

#include "atproto/data/cbor.h"
#include "atproto/limits.h"
#include "atproto/repo/car.h"
#include "atproto/repo/commit.h"
#include "atproto/repo/commit_event.h"
#include "base/check.h"
#include "pds/blobs/blob_store.h"
#include "pds/limits.h"
#include "pds/repos/node_store.h"
#include "pds/repos/record_store.h"
#include "pds/sync/commit_message.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

using atproto::Action;
using atproto::Cid;
using atproto::Operation;
using atproto::mst::Edit;
using atproto::mst::NodeSource;

std::optional<std::string> stored_subject(db::Transaction& t, RepoId repo, std::string_view key) {
    const std::optional<record_store::Record> record = record_store::find(t, repo, key);
    if (!record) return std::nullopt;
    const Result<atproto::Value> value = atproto::cbor::decode(record->value);
    check(value.has_value() && value->as<atproto::Object>() != nullptr,
          "a stored record is an object");
    return subject_of(key.substr(0, key.find('/')), *value->as<atproto::Object>());
}

bool may_have_subject(std::string_view collection) {
    return collection == "app.bsky.feed.like" || collection == "app.bsky.feed.repost" ||
           collection == "app.bsky.graph.follow" || collection == "app.bsky.graph.block";
}

// The older records that a new one takes the place of.
std::vector<std::string> replaced_by(db::Transaction& t, RepoId repo, const PreparedWrite& write) {
    std::vector<std::string> keys;
    if (!write.subject) return keys;
    for (std::string& key :
         record_store::find_by_subject(t, repo, write.collection(), *write.subject))
        if (key != write.key && stored_subject(t, repo, key) == write.subject)
            keys.push_back(std::move(key));
    return keys;
}

Error bad_swap(const std::optional<Cid>& current) {
    return Error::invalid("Record was at " + (current ? current->text() : std::string("null")),
                          "InvalidSwap");
}

// Whether the write may happen, given what the record was before.
Result<void> judge(const PreparedWrite& write, const std::optional<Cid>& before) {
    if (write.swap_record && *write.swap_record != before) return bad_swap(before);
    if (write.kind == WriteKind::create && before)
        return Error::invalid("There is already a record at " + write.key);
    if ((write.kind == WriteKind::update || write.kind == WriteKind::erase) && !before)
        return Error::invalid("There is no record at " + write.key);
    return {};
}

// Applies one write; what it did is an operation, unless nothing had to be done.
Result<std::optional<Operation>> apply(Edit& edit, NodeSource& nodes, const PreparedWrite& write) {
    if (!write.cid) {
        const std::optional<Cid> before = TRY(edit.erase(nodes, write.key));
        TRY(judge(write, before));
        if (!before) return std::nullopt;
        return Operation{Action::remove, write.key, std::nullopt, before};
    }
    const std::optional<Cid> before = TRY(edit.set(nodes, write.key, *write.cid));
    TRY(judge(write, before));
    if (write.kind == WriteKind::put && before == write.cid) return std::nullopt;
    return Operation{before ? Action::update : Action::create, write.key, write.cid, before};
}

Result<std::vector<Operation>> apply_all(db::Transaction& t, Edit& edit, NodeSource& nodes,
                                         RepoId repo, const Batch& batch) {
    std::vector<Operation> operations;
    for (const PreparedWrite& write : batch.writes) {
        if (batch.same_subject == SameSubject::replaced)
            for (const std::string& key : replaced_by(t, repo, write))
                // What a state that is not stored yet has erased is gone already.
                if (const std::optional<Cid> before = TRY(edit.erase(nodes, key)))
                    operations.push_back({Action::remove, key, std::nullopt, before});
        if (auto operation = TRY(apply(edit, nodes, write)))
            operations.push_back(*std::move(operation));
    }
    return operations;
}

std::int64_t count_change(const std::vector<Operation>& operations) {
    std::int64_t change = 0;
    for (const Operation& operation : operations) {
        if (operation.action == Action::create) ++change;
        if (operation.action == Action::remove) --change;
    }
    return change;
}

// The CAR file of the event.
Result<Bytes> event_blocks(const atproto::Block& commit, const RepoState& base,
                           const atproto::mst::Tree& tree, NodeSource& nodes,
                           std::span<const Operation> operations, const Batch& batch) {
    atproto::Blocks records;
    records.reserve(batch.writes.size());
    for (const PreparedWrite& write : batch.writes)
        if (write.cid) records.push_back({*write.cid, write.value});
    const atproto::Blocks blocks = TRY(atproto::commit_event_blocks(
        commit, tree, base.rev.number(), nodes, operations, std::move(records)));
    Bytes car = atproto::write_car(commit.cid, blocks);
    if (car.size() > atproto::limits::commit_blocks_bytes_max)
        return Error::invalid("Too many writes. Max event size: 2MB");
    return car;
}

bool is_time_for_nodes(const RepoState& next) {
    return !next.nodes_stamp || next.unwritten.commits >= limits::commits_between_nodes ||
           next.unwritten.operations >= limits::operations_between_nodes;
}

// Takes the nodes out of the state that has them ready for writing.
CommitDraft::NodeWrites take_node_writes(RepoState& next) {
    CommitDraft::NodeWrites writes{next.tree, std::move(next.left_places),
                                   next.tree.new_nodes(next.nodes_stamp),
                                   !next.nodes_stamp.has_value()};
    next.nodes_stamp = next.rev.number();
    next.unwritten = {};
    next.left_places.clear();
    return writes;
}

// `dropped` collects the blobs that the record refers to no more.
Result<void> store_record(db::Transaction& t, OwnedRepo owned, const Operation& operation,
                          std::uint64_t rev, const PreparedWrite* write,
                          blob_store::Dropped& dropped) {
    const std::string_view collection =
        std::string_view(operation.path).substr(0, operation.path.find('/'));
    if (operation.prev && may_have_subject(collection))
        if (const auto subject = stored_subject(t, owned.id, operation.path))
            record_store::erase_subject(t, owned.id, collection, *subject, operation.path);
    if (operation.prev) blob_store::clear_references(t, owned.id, operation.path, dropped);
    if (operation.action == Action::remove) {
        record_store::erase(t, owned.id, operation.path);
        return {};
    }
    check(write != nullptr && write->cid == operation.cid, "what a commit says is what is stored");
    record_store::put(t, owned.id, operation.path, *write->cid, rev, write->value);
    if (write->subject)
        record_store::add_subject(t, owned.id, collection, *write->subject, operation.path);
    return blob_store::add_references(t, owned, operation.path, rev, write->blobs);
}

// A commit that was on its way when the draft was made may have brought what this one replaces.
bool replaces_all(db::Transaction& t, const CommitDraft& draft) {
    if (draft.batch->same_subject == SameSubject::kept) return true;
    for (const PreparedWrite& write : draft.batch->writes)
        for (const std::string& key : replaced_by(t, draft.repo.id, write))
            if (std::ranges::find(draft.operations, key, &Operation::path) ==
                draft.operations.end())
                return false;
    return true;
}

}  // namespace

Result<void> check_batch(const Batch& batch) {
    if (batch.writes.size() > atproto::limits::commit_operations_max)
        return Error::invalid("Too many writes. Max: 200");
    std::unordered_set<std::string_view> keys;
    for (const PreparedWrite& write : batch.writes)
        if (!keys.insert(write.key).second)
            return Error::invalid("Two writes to one record: " + write.key);
    return {};
}

Result<std::shared_ptr<const CommitDraft>> draft_commit(db::Transaction& t, std::int64_t account_id,
                                                        const atproto::Did& did,
                                                        std::shared_ptr<const RepoState> base,
                                                        std::shared_ptr<const Batch> batch,
                                                        TidClock& clock, Timestamp now) {
    if (batch->swap_commit && *batch->swap_commit != base->commit)
        return Error::invalid("Commit was at " + base->commit.text(), "InvalidSwap");
    const atproto::Tid rev = clock.after(now, base->rev.number());
    const RepoId repo = base->id;
    node_store::Nodes nodes(t, repo);
    Edit edit(base->tree, rev.number(), atproto::mst::Moves::tracked);
    std::vector<Operation> operations = TRY(apply_all(t, edit, nodes, repo, *batch));
    if (operations.empty()) return std::shared_ptr<const CommitDraft>();
    if (operations.size() > atproto::limits::commit_operations_max)
        return Error::invalid("Too many writes. Max: 200");

    const Cid prev_data = base->tree.root();
    const atproto::mst::Tree tree = TRY(edit.seal(nodes));
    const atproto::Block commit = atproto::signed_commit_block(did, tree.root(), rev, base->key);
    const Bytes car = TRY(event_blocks(commit, *base, tree, nodes, operations, *batch));
    RepoState next{
        .id = repo,
        .rev = rev,
        .commit = commit.cid,
        .tree = tree,
        .record_count = base->record_count + count_change(operations),
        .key = base->key,
        .nodes_stamp = base->nodes_stamp,
        .unwritten = {.commits = base->unwritten.commits + 1,
                      .operations =
                          base->unwritten.operations + static_cast<int>(operations.size())},
        .left_places = base->left_places,
    };
    check(next.record_count >= 0, "a repository has no fewer records than none");
    std::ranges::copy(edit.left_places(), std::back_inserter(next.left_places));
    Bytes message = encode_commit_message({.repo = did,
                                           .commit = commit.cid,
                                           .rev = rev,
                                           .since = base->rev,
                                           .prev_data = prev_data,
                                           .operations = operations,
                                           .blocks = car});
    std::optional<CommitDraft::NodeWrites> node_writes;
    if (is_time_for_nodes(next)) node_writes = take_node_writes(next);
    return std::make_shared<const CommitDraft>(CommitDraft{
        .repo = {repo, account_id},
        .did = did,
        .base = std::move(base),
        .next = std::make_shared<const RepoState>(std::move(next)),
        .head = {rev, commit.cid, commit.bytes},
        .batch = std::move(batch),
        .operations = std::move(operations),
        .message = std::move(message),
        .node_writes = std::move(node_writes),
    });
}

Result<void> verify_draft(const CommitDraft& draft) {
    const Result<atproto::Commit> commit = atproto::parse_commit(draft.head.commit_block);
    if (commit.has_value() && commit->did == draft.did && commit->rev == draft.head.rev &&
        commit->data == draft.next->tree.root() &&
        Cid::of(atproto::Codec::dag_cbor, draft.head.commit_block) == draft.head.commit_cid &&
        atproto::verify_commit(*commit, draft.next->key.public_key()))
        return {};
    return Error{Fault::internal, "InternalServerError",
                 "A commit came out with a wrong signature and was not stored. Is this machine's "
                 "memory sound?"};
}

Result<void> store_commit(db::Transaction& t, const CommitDraft& draft, Timestamp now) {
    const std::int64_t seq = event_log::next_seq(t, now);
    const std::optional<std::int64_t> previous = repo_store::advance_with_event(
        t, draft.repo.id, draft.base->rev, draft.head, draft.next->record_count, seq);
    if (!previous || !replaces_all(t, draft))
        return Error::unavailable("Another write came first", 1, std::string(overtaken));
    // Operations are in the order of the writes; those of a replaced record have no write.
    auto write = draft.batch->writes.begin();
    blob_store::Dropped dropped;
    for (const Operation& operation : draft.operations) {
        const auto found = std::find_if(write, draft.batch->writes.end(),
                                        [&](const auto& w) { return w.key == operation.path; });
        const bool is_asked_for = found != draft.batch->writes.end();
        TRY(store_record(t, draft.repo, operation, draft.next->rev.number(),
                         is_asked_for ? &*found : nullptr, dropped));
        if (is_asked_for) write = found;
    }
    // A blob may have moved from one record to another.
    blob_store::erase_unreferenced(t, draft.repo, dropped, now);
    event_log::append_commit(t, seq, *previous, draft.did, draft.message, now);
    if (draft.node_writes) {
        if (draft.node_writes->replace_all) node_store::erase_all(t, draft.repo.id);
        node_store::write(t, draft.repo.id, draft.node_writes->left_places,
                          draft.node_writes->nodes);
        event_log::forget_replayed(t, repo_store::unwritten(t, draft.repo.id));
        repo_store::set_nodes(t, draft.repo.id, seq, draft.node_writes->tree.root());
    }
    return {};
}

}  // namespace roost::pds
