#include "pds/repos/repo_export.h"

#include "atproto/repo/car.h"
#include "base/check.h"
#include "base/log.h"
#include "pds/repos/record_store.h"

namespace roost::pds {

using atproto::Cid;
using atproto::Codec;

namespace {

atproto::mst::PreorderWalk walk_through(atproto::mst::Tree tree, const ExportPart& part) {
    if (part.since) return atproto::mst::PreorderWalk(std::move(tree), part.since->number());
    if (!part.collection) return atproto::mst::PreorderWalk(std::move(tree));
    // '0' is the character after '/'.
    const std::string& collection = part.collection->text();
    return atproto::mst::PreorderWalk(std::move(tree),
                                      atproto::mst::KeyRange{collection + "/", collection + "0"});
}

}  // namespace

Result<std::unique_ptr<RepoExport>> RepoExport::open(db::Database& database, const Account& account,
                                                     const ExportPart& part) {
    std::unique_ptr<db::Snapshot> snapshot = TRY(database.open_snapshot());
    LoadedTree loaded = TRY(load_tree(snapshot->transaction(), account.id, account.did));
    return std::unique_ptr<RepoExport>(
        new RepoExport(std::move(snapshot), account, std::move(loaded), part));
}

RepoExport::RepoExport(std::unique_ptr<db::Snapshot> snapshot, const Account& account,
                       LoadedTree loaded, const ExportPart& part)
    : snapshot_(std::move(snapshot)),
      repo_(loaded.stored.id),
      did_(account.did),
      head_(std::move(loaded.stored.head)),
      since_(part.since ? std::optional(part.since->number()) : std::nullopt),
      nodes_(snapshot_->transaction(), repo_),
      walk_(walk_through(std::move(loaded.tree), part)) {
    check(!part.since || !part.collection, "a part of a repository is of one kind");
    if (since_) return;
    values_.emplace(record_store::values_after(
        snapshot_->transaction(), repo_, part.collection ? part.collection->text() + "/" : ""));
}

Error RepoExport::damaged(std::string_view reason) const {
    log::error("a repository is damaged", {{"did", did_.text()}, {"reason", reason}});
    return {Fault::internal, "InternalServerError",
            "The repository of " + did_.text() + " is damaged: " + std::string(reason) +
                ". Restore it from a backup."};
}

Result<bool> RepoExport::append_to(Bytes& car, std::size_t bytes_max) {
    if (!has_begun_) {
        has_begun_ = true;
        atproto::append_car_header(car, head_.commit_cid);
        if (since_ && head_.rev.number() <= *since_) return false;  // nothing is newer
        TRY(append_commit(car));
    }
    while (car.size() < bytes_max) {
        const auto item = walk_.next(nodes_);
        if (!item.has_value()) return damaged(item.error().message);
        if (!*item) return false;
        if ((*item)->is_node())
            atproto::append_car_block(car, (*item)->cid, (*item)->bytes);
        else
            TRY(append_record(car, (*item)->key, (*item)->cid));
    }
    return true;
}

Result<void> RepoExport::append_commit(Bytes& car) {
    if (Cid::of(Codec::dag_cbor, head_.commit_block) != head_.commit_cid)
        return damaged("its commit is not what its CID says");
    atproto::append_car_block(car, head_.commit_cid, head_.commit_block);
    return {};
}

Result<void> RepoExport::append_record(Bytes& car, std::string_view key, const Cid& cid) {
    if (values_ && values_->next()) {
        const ByteView value = values_->bytes(0);
        if (Cid::of(Codec::dag_cbor, value) == cid) {
            atproto::append_car_block(car, cid, value);
            return {};
        }
    }
    const auto record = record_store::find(snapshot_->transaction(), repo_, key);
    if (!record) return damaged("the record " + std::string(key) + " is missing");
    if (since_ && record->rev <= *since_) return {};
    if (Cid::of(Codec::dag_cbor, record->value) != cid)
        return damaged("the record " + std::string(key) + " is not what its CID says");
    atproto::append_car_block(car, cid, record->value);
    if (since_) return {};
    // The row was one that the tree does not know.
    values_.reset();
    values_.emplace(record_store::values_after(snapshot_->transaction(), repo_, key));
    return {};
}

}  // namespace roost::pds
