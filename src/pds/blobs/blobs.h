// The blobs of this server's accounts: taking them in, handing them out, and the upkeep of what is
// stored. Made once; any event loop's thread.
//
// An upload is spooled to a file while it is hashed (spool.h), kept in the store (blob_files.h),
// and then gets its row, which is when it counts. Whatever ends in between is settled later, from
// the spooled file: after a failure, and at the start after a crash.
// https://atproto.com/specs/blob
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "atproto/data/cid.h"
#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "net/http.h"
#include "pds/blobs/blob_files.h"
#include "pds/blobs/blob_store.h"
#include "pds/blobs/file_pool.h"
#include "pds/blobs/spool.h"

namespace roost::pds {

struct BlobOptions {
    std::int64_t upload_bytes_max;
    std::int64_t account_bytes_max;  // of all blobs of an account
    std::int64_t free_bytes_min;     // what an upload leaves free on the disk
};

struct BlobStats {
    std::int64_t uploads_total = 0;
    std::int64_t uploaded_bytes_total = 0;
    std::int64_t scrubbed_total = 0;
    std::int64_t damaged_total = 0;  // found by the scrub, since the start
    std::int64_t missing_total = 0;
};

class Blobs {
  public:
    Blobs(db::Database& database, FilePool& pool, SpoolFolder spool,
          std::unique_ptr<BlobFiles> files, BlobOptions options);
    Blobs(const Blobs&) = delete;
    Blobs& operator=(const Blobs&) = delete;

    // The type is what the content says, or else what the uploader does: "type/subtype". The same
    // bytes of the same account are one blob. Errors: Fault::payload_too_large; Fault::invalid, if
    // the type is malformed, the body does not come whole, the blob is taken down, or
    // "BlobQuotaExceeded"; Fault::insufficient_storage; Fault::unavailable, if there are too many
    // at once; those of the store.
    Task<Result<blob_store::Blob>> upload(std::int64_t account_id, std::string content_type,
                                          net::Body& body);

    // A blob that everybody may have: a record refers to it, and it is not taken down. Errors:
    // Fault::invalid, as the reference server words it.
    Task<Result<blob_store::Blob>> find(std::int64_t account_id, atproto::Cid cid);
    // A part of it. Errors: as find(); Fault::unavailable, those of the store.
    Task<Result<std::unique_ptr<net::BodySource>>> read(blob_store::Blob blob, std::int64_t offset,
                                                        std::int64_t size);

    // ---- Background jobs. Each call is one turn, and there is one of a kind at a time.

    // Uploads that did not end as they should, and what a crash has left.
    Task<void> settle();
    // Temporary blobs that no record came to refer to.
    Task<Result<std::int64_t>> expire(Timestamp now);
    // The files of blobs that are deleted.
    Task<Result<void>> remove_files(Timestamp now);
    // Looks whether what is stored is what was uploaded. It tells, and deletes nothing.
    Task<Result<void>> scrub(Timestamp now);

    // Jobs come to an end.
    void stop() { is_stopping_ = true; }
    BlobStats stats() const;

  private:
    // Counts transfers; each holds a Slot.
    class Slot {
      public:
        Slot(Blobs* owner, std::int64_t account_id) : owner_(owner), account_id_(account_id) {}
        Slot(Slot&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), account_id_(other.account_id_) {}
        Slot& operator=(Slot&&) = delete;
        ~Slot() {
            if (owner_ != nullptr) owner_->end_upload(account_id_);
        }

      private:
        Blobs* owner_;
        std::int64_t account_id_;
    };
    class CountedSource;
    struct Incoming;
    // The spooled file of an upload whose place in the store is not settled yet. Ends off the
    // loop's thread.
    class Unsettled {
      public:
        Unsettled(Blobs& owner, std::shared_ptr<SpooledFile> file)
            : owner_(owner), file_(std::move(file)) {}
        Unsettled(const Unsettled&) = delete;
        Unsettled& operator=(const Unsettled&) = delete;
        ~Unsettled();
        // From here the store may have it.
        void set_maybe_kept() { may_be_kept_ = true; }
        void set_settled() { may_be_kept_ = false; }

      private:
        Blobs& owner_;
        std::shared_ptr<SpooledFile> file_;
        bool may_be_kept_ = false;
    };

    Result<Slot> begin_upload(std::int64_t account_id);
    void end_upload(std::int64_t account_id);
    Task<Result<void>> check_quota(std::int64_t account_id, std::int64_t bytes);
    Task<Result<std::shared_ptr<SpooledFile>>> receive(net::Body& body);
    Task<Result<blob_store::Blob>> store(std::int64_t account_id, std::string media_type,
                                         std::shared_ptr<SpooledFile> file);
    // False: not now.
    Task<Result<bool>> settle_one(std::filesystem::path path);
    Task<Result<void>> inspect(blob_store::Stored stored);

    db::Database& db_;
    FilePool& pool_;
    SpoolFolder spool_;
    std::unique_ptr<BlobFiles> files_;
    const BlobOptions options_;

    std::mutex mutex_;
    std::unordered_map<std::int64_t, std::int64_t> uploads_by_account_;
    std::int64_t uploads_ = 0;
    std::vector<std::filesystem::path> unsettled_;
    std::atomic<std::int64_t> downloads_ = 0;
    std::atomic<bool> is_stopping_ = false;
    std::atomic<std::int64_t> uploads_total_ = 0, uploaded_bytes_total_ = 0, scrubbed_total_ = 0,
                              damaged_total_ = 0, missing_total_ = 0;
};

}  // namespace roost::pds
