#include "pds/repos/import_source.h"

#include "atproto/limits.h"
#include "atproto/mst/cursor.h"
#include "pds/repos/node_store.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_state.h"

namespace roost::pds {

using atproto::Cid;
using atproto::mst::Cursor;
using atproto::mst::NodePlace;
using atproto::mst::StoredNode;

namespace {

bool is_missing(const Error& error) {
    return error.fault == Fault::invalid && error.name == "MissingBlock";
}

// A root of unknown layer is higher than all.
int height(const NodePlace& place) {
    return place.layer == atproto::mst::unknown_layer ? atproto::limits::mst_layer_max + 1
                                                      : place.layer;
}

}  // namespace

// The repository that the account has, and how far the walk through it has come.
class ImportSource::Stored {
  public:
    Stored(std::unique_ptr<db::Snapshot> snapshot, LoadedTree loaded)
        : snapshot_(std::move(snapshot)),
          repo_(loaded.stored.id),
          nodes_(snapshot_->transaction(), repo_),
          root_(loaded.tree.root()),
          cursor_(std::move(loaded.tree)) {}

    // Nothing if it is not there. A subtree has its CID wherever it stands, but its layer is the
    // same in both trees, so what is as low and another subtree cannot hold it; and what is asked
    // for later stands to the right of it, or in it.
    Result<std::optional<StoredNode>> find(const NodePlace& wanted) {
        const bool is_root = wanted.layer == atproto::mst::unknown_layer;
        if (is_root && wanted.cid != root_) return std::optional<StoredNode>();
        while (cursor_.at() != Cursor::At::end) {
            if (cursor_.at() == Cursor::At::record) {
                cursor_.skip();
                continue;
            }
            const NodePlace place = cursor_.place();
            const bool is_found = place.cid == wanted.cid;
            if (!is_found && height(place) <= height(wanted)) {
                cursor_.skip();
                continue;
            }
            atproto::mst::LoadedNode loaded = TRY(cursor_.load(nodes_));
            if (loaded.bytes.empty()) encoded_ = loaded.node->encode();
            const ByteView bytes = loaded.bytes.empty() ? ByteView(encoded_) : loaded.bytes;
            cursor_.enter(std::move(loaded));
            if (is_found) return std::optional(StoredNode{bytes});
        }
        return std::optional<StoredNode>();
    }

    std::optional<Bytes> record(std::string_view key, const Cid& cid) {
        auto record = record_store::find(snapshot_->transaction(), repo_, key);
        if (!record || record->cid != cid) return std::nullopt;
        if (Cid::of(cid.codec(), record->value) != cid) return std::nullopt;
        return std::move(record->value);
    }

  private:
    const std::unique_ptr<db::Snapshot> snapshot_;
    const RepoId repo_;
    node_store::NodesInOrder nodes_;
    const Cid root_;
    Cursor cursor_;
    Bytes encoded_;  // of a node that was in memory
};

ImportSource::ImportSource(atproto::CarBlocks& file, std::optional<Present> present)
    : file_(file), present_(std::move(present)) {}
ImportSource::~ImportSource() = default;

Result<ImportSource::Stored*> ImportSource::stored() {
    if (present_ && !stored_) {
        const Account& account = present_->account;
        std::unique_ptr<db::Snapshot> snapshot = TRY(present_->database.open_snapshot());
        LoadedTree loaded = TRY(load_tree(snapshot->transaction(), account.id, account.did));
        stored_ = std::make_unique<Stored>(std::move(snapshot), std::move(loaded));
    }
    return stored_.get();
}

Result<StoredNode> ImportSource::load(const NodePlace& place) {
    Result<StoredNode> node = file_.load(place);
    if (node.has_value() || !is_missing(node.error())) return node;
    Stored* const repository = TRY(stored());
    if (repository == nullptr) return node;
    if (std::optional<StoredNode> found = TRY(repository->find(place))) return *std::move(found);
    return node;
}

Result<Bytes> ImportSource::record(std::string_view key, const Cid& cid) {
    Result<Bytes> block = file_.find(cid);
    if (block.has_value() || !is_missing(block.error())) return block;
    Stored* const repository = TRY(stored());
    if (repository == nullptr) return block;
    if (std::optional<Bytes> found = repository->record(key, cid)) return *std::move(found);
    return block;
}

}  // namespace roost::pds
