#include "pds/repos/block_search.h"

#include "base/check.h"
#include "pds/limits.h"
#include "pds/repos/record_store.h"

namespace roost::pds {

Result<std::unique_ptr<BlockSearch>> BlockSearch::open(db::Database& database,
                                                       const Account& account,
                                                       const std::vector<atproto::Cid>& cids) {
    std::unique_ptr<db::Snapshot> snapshot = TRY(database.open_snapshot());
    LoadedTree loaded = TRY(load_tree(snapshot->transaction(), account.id, account.did));
    return std::unique_ptr<BlockSearch>(
        new BlockSearch(std::move(snapshot), std::move(loaded), cids));
}

BlockSearch::BlockSearch(std::unique_ptr<db::Snapshot> snapshot, LoadedTree loaded,
                         const std::vector<atproto::Cid>& cids)
    : snapshot_(std::move(snapshot)),
      repo_(loaded.stored.id),
      nodes_(snapshot_->transaction(), repo_),
      walk_(std::move(loaded.tree)),
      missing_(cids.begin(), cids.end()) {
    const repo_store::Head& head = loaded.stored.head;
    if (missing_.erase(head.commit_cid) != 0)
        found_.push_back({head.commit_cid, head.commit_block});
}

Result<bool> BlockSearch::step() {
    for (int i = 0; i < limits::blocks_searched_per_turn; ++i) {
        if (missing_.empty()) return false;
        const auto item = TRY(walk_.next(nodes_));
        if (!item) return false;
        if (missing_.erase(item->cid) == 0) continue;
        if (item->is_node()) {
            found_.push_back({item->cid, Bytes(item->bytes.begin(), item->bytes.end())});
            continue;
        }
        auto record = record_store::find(snapshot_->transaction(), repo_, item->key);
        check(record.has_value() && record->cid == item->cid, "the tree's records are stored");
        found_.push_back({record->cid, std::move(record->value)});
    }
    return true;
}

}  // namespace roost::pds
