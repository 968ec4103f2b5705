#include "pds/repos/repo_export.h"

#include "atproto/repo/car.h"
#include "base/check.h"
#include "pds/repos/record_store.h"

namespace roost::pds {

Result<std::unique_ptr<RepoExport>> RepoExport::open(db::Database& database, const Account& account,
                                                     const std::optional<atproto::Tid>& since) {
    std::unique_ptr<db::Snapshot> snapshot = TRY(database.open_snapshot());
    LoadedTree loaded = TRY(load_tree(snapshot->transaction(), account.id, account.did));
    return std::unique_ptr<RepoExport>(
        new RepoExport(std::move(snapshot), std::move(loaded), since));
}

RepoExport::RepoExport(std::unique_ptr<db::Snapshot> snapshot, LoadedTree loaded,
                       const std::optional<atproto::Tid>& since)
    : snapshot_(std::move(snapshot)),
      repo_(loaded.stored.id),
      head_(std::move(loaded.stored.head)),
      since_(since ? std::optional(since->number()) : std::nullopt),
      nodes_(snapshot_->transaction(), repo_),
      walk_(std::move(loaded.tree), since_) {
    if (!since_) records_.emplace(record_store::scan(snapshot_->transaction(), repo_));
}

Result<bool> RepoExport::append_to(Bytes& car, std::size_t bytes_max) {
    if (!has_begun_) {
        has_begun_ = true;
        atproto::append_car_header(car, head_.commit_cid);
        if (!since_ || head_.rev.number() > *since_)
            atproto::append_car_block(car, head_.commit_cid, head_.commit_block);
        else
            return false;  // nothing is newer
    }
    while (car.size() < bytes_max) {
        const auto item = TRY(walk_.next(nodes_));
        if (!item) return false;
        if (item->is_node())
            atproto::append_car_block(car, item->cid, item->bytes);
        else
            TRY(append_record(car, item->key, item->cid));
    }
    return true;
}

Result<void> RepoExport::append_record(Bytes& car, std::string_view key, const atproto::Cid& cid) {
    if (!records_) {
        const auto record = record_store::find(snapshot_->transaction(), repo_, key);
        check(record.has_value() && record->cid == cid, "the tree's records are stored");
        if (record->rev > *since_) atproto::append_car_block(car, cid, record->value);
        return {};
    }
    check(records_->next() && records_->text(0) == key, "the tree's records are stored");
    atproto::append_car_block(car, cid, records_->bytes(1));
    return {};
}

}  // namespace roost::pds
