// The background jobs of Blobs.
#include <utility>

#include "base/log.h"
#include "pds/blobs/blobs.h"
#include "pds/blobs/limits.h"

namespace roost::pds {

Task<void> Blobs::settle() {
    std::vector<std::filesystem::path> open;
    {
        const std::lock_guard lock(mutex_);
        open.swap(unsettled_);
    }
    for (std::filesystem::path& path : open) {
        Result<bool> result = false;
        if (!is_stopping_) result = co_await settle_one(path);
        if (!result.has_value())  // it is among the unsettled again
            log::warn("an upload could not be settled",
                      {{"file", path.string()}, {"reason", result.error().message}});
        if (!result.has_value() || *result) continue;
        const std::lock_guard lock(mutex_);
        unsettled_.push_back(std::move(path));
    }
}

// The row says whether the store's file is wanted.
Task<Result<bool>> Blobs::settle_one(std::filesystem::path path) {
    const std::shared_ptr<SpooledFile> file =
        co_await pool_.run([path, &spool = spool_] { return spool.reopen(path); });
    // Gone, or its upload has not ended yet.
    if (!file) co_return !co_await pool_.run([path] { return std::filesystem::exists(path); });
    // A reopened file is removed when it ends, unless something is left to do.
    Unsettled unsettled(*this, file);
    unsettled.set_maybe_kept();
    const bool is_wanted = CO_TRY(co_await db_.read([&](db::Transaction& t) -> Result<bool> {
        return blob_store::has_file(t, file->cid(), file->name());
    }));
    if (!is_wanted) CO_TRY(co_await files_->erase(file->name()));
    unsettled.set_settled();
    co_return true;
}

Task<Result<std::int64_t>> Blobs::expire(Timestamp now) {
    std::int64_t total = 0;
    while (!is_stopping_) {
        const std::int64_t erased =
            CO_TRY(co_await db_.write([now](db::Transaction& t) -> Result<std::int64_t> {
                return blob_store::erase_expired(t, now.plus_s(-limits::blob_temporary_s),
                                                 limits::blob_expiries_per_batch, now);
            }));
        total += erased;
        if (erased < limits::blob_expiries_per_batch) break;
    }
    co_return total;
}

Task<Result<void>> Blobs::remove_files(Timestamp now) {
    while (!is_stopping_) {
        const auto due = CO_TRY(co_await db_.read(
            [now](db::Transaction& t) -> Result<std::vector<blob_store::Deletion>> {
                return blob_store::due_deletions(t, now, limits::blob_deletions_per_batch);
            }));
        if (due.empty()) break;
        std::vector<std::int64_t> done, failed;
        for (const blob_store::Deletion& deletion : due) {
            const Result<void> erased = co_await files_->erase(deletion.file);
            if (!erased.has_value())
                log::warn("the file of a blob could not be removed",
                          {{"file", deletion.file}, {"reason", erased.error().message}});
            (erased.has_value() ? done : failed).push_back(deletion.id);
        }
        CO_TRY(co_await db_.write([done, failed, now](db::Transaction& t) -> Result<void> {
            for (const std::int64_t id : done)
                blob_store::forget_deletion(t, id);
            for (const std::int64_t id : failed)
                blob_store::postpone_deletion(t, id, now.plus_ms(limits::blob_deletion_retry_ms));
            return {};
        }));
    }
    co_return Result<void>();
}

Task<Result<void>> Blobs::scrub(Timestamp now) {
    struct Turn {
        blob_store::ScrubState state;
        std::vector<blob_store::Stored> blobs;
    };
    Turn turn = CO_TRY(co_await db_.read([](db::Transaction& t) -> Result<Turn> {
        const blob_store::ScrubState state = blob_store::scrub_state(t);
        return Turn{state, blob_store::after(t, state.last_id, limits::blob_scrub_blobs_per_turn)};
    }));
    // A new pass. A clock that was set back does not stop it for longer than a week.
    if (turn.state.last_id == 0) {
        const Timestamp next = turn.state.started_at.plus_s(limits::blob_scrub_pass_s);
        if (now < next && turn.state.started_at <= now) co_return Result<void>();
        turn.state.started_at = now;
    }
    std::int64_t bytes = 0;
    for (const blob_store::Stored& stored : turn.blobs) {
        if (is_stopping_ || bytes >= limits::blob_scrub_bytes_per_turn) break;
        CO_TRY(co_await inspect(stored));
        bytes += stored.size;
        turn.state.last_id = stored.id;
    }
    if (turn.blobs.empty()) turn.state.last_id = 0;
    co_return co_await db_.write([state = turn.state](db::Transaction& t) -> Result<void> {
        blob_store::set_scrub_state(t, state);
        return {};
    });
}

Task<Result<void>> Blobs::inspect(blob_store::Stored stored) {
    using enum BlobFiles::Condition;
    const BlobFiles::Condition condition =
        CO_TRY(co_await files_->inspect(stored.file, stored.size, stored.cid));
    ++scrubbed_total_;
    if (condition == sound) co_return Result<void>();
    // Deleted meanwhile?
    if (!CO_TRY(co_await db_.read([&](db::Transaction& t) -> Result<bool> {
            return blob_store::has_file(t, stored.cid, stored.file);
        })))
        co_return Result<void>();
    ++(condition == damaged ? damaged_total_ : missing_total_);
    log::error(condition == damaged ? "a blob is damaged" : "the file of a blob is missing",
               {{"did", stored.did}, {"cid", stored.cid.text()}, {"file", stored.file}});
    co_return Result<void>();
}

}  // namespace roost::pds
