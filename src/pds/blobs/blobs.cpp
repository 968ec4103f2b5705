#include "pds/blobs/blobs.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "net/inflate.h"
#include "net/limits.h"
#include "pds/blobs/limits.h"
#include "pds/blobs/media_type.h"

namespace roost::pds {

namespace {

using blob_store::Blob;

Error busy() {
    return Error::unavailable("Too many transfers of blobs at once", limits::blob_busy_retry_s);
}

Error not_found() {
    return Error::invalid("Blob not found");
}

}  // namespace

// An upload on its way; a worker may hold it longer than its task.
struct Blobs::Incoming {
    std::string piece;
    std::shared_ptr<SpooledFile> file;
};

Blobs::Unsettled::~Unsettled() {
    if (may_be_kept_) {
        file_->leave();
        const std::lock_guard lock(owner_.mutex_);
        owner_.unsettled_.push_back(file_->path());
    }
    owner_.pool_.post([file = std::move(file_)] {});
}

class Blobs::CountedSource final : public net::BodySource {
  public:
    explicit CountedSource(std::atomic<std::int64_t>& count) : count_(count) {}
    ~CountedSource() override { --count_; }
    void set(std::unique_ptr<net::BodySource> source) { source_ = std::move(source); }
    Task<Result<std::string_view>> next() override { return source_->next(); }
    std::optional<net::FilePiece> in_file() override { return source_->in_file(); }
    void skip(std::size_t size) override { source_->skip(size); }

  private:
    std::atomic<std::int64_t>& count_;
    std::unique_ptr<net::BodySource> source_;
};

Blobs::Blobs(db::Database& database, FilePool& pool, SpoolFolder spool,
             std::unique_ptr<BlobFiles> files, BlobOptions options)
    : db_(database),
      pool_(pool),
      spool_(std::move(spool)),
      files_(std::move(files)),
      options_(options),
      unsettled_(spool_.take_leftovers()) {}

Result<Blobs::Slot> Blobs::begin_upload(std::int64_t account_id) {
    const std::lock_guard lock(mutex_);
    if (uploads_ >= limits::blob_uploads_max) return busy();
    std::int64_t& own = uploads_by_account_[account_id];
    if (own >= limits::blob_uploads_per_account_max) return busy();
    ++own;
    ++uploads_;
    return Slot(this, account_id);
}

void Blobs::end_upload(std::int64_t account_id) {
    const std::lock_guard lock(mutex_);
    --uploads_;
    const auto own = uploads_by_account_.find(account_id);
    if (--own->second == 0) uploads_by_account_.erase(own);
}

Task<Result<void>> Blobs::check_quota(std::int64_t account_id, std::int64_t bytes) {
    const blob_store::Usage usage =
        CO_TRY(co_await db_.read([account_id](db::Transaction& t) -> Result<blob_store::Usage> {
            return blob_store::usage(t, account_id);
        }));
    if (usage.bytes + bytes > options_.account_bytes_max)
        co_return blob_store::over_quota(options_.account_bytes_max);
    co_return Result<void>();
}

Task<Result<Blob>> Blobs::upload(std::int64_t account_id, std::string content_type,
                                 net::Body& body) {
    std::optional<std::string> media_type = parse_media_type(content_type);
    if (!media_type)
        co_return Error::invalid("Wrong request encoding (Content-Type): " + content_type);
    const auto declared = static_cast<std::int64_t>(body.declared_size().value_or(0));
    const auto bytes_max = static_cast<std::size_t>(options_.upload_bytes_max);
    if (declared > options_.upload_bytes_max) co_return net::body_too_large(bytes_max);
    const Slot slot = CO_TRY(begin_upload(account_id));
    // Before anything is sent for nothing; it may be a blob that is here, which takes no room.
    if (declared > options_.account_bytes_max)
        co_return blob_store::over_quota(options_.account_bytes_max);
    std::shared_ptr<SpooledFile> file = CO_TRY(co_await receive(body));
    const std::int64_t size = file->size();
    if (const auto sniffed = sniff_media_type(file->start()))
        media_type = std::string(*sniffed);
    else if (media_type->find('*') != std::string::npos)
        media_type = "application/octet-stream";
    Blob blob = CO_TRY(co_await store(account_id, *std::move(media_type), std::move(file)));
    ++uploads_total_;
    uploaded_bytes_total_ += size;
    co_return blob;
}

// A piece at a time: the next one is read when a worker has written the one before.
Task<Result<std::shared_ptr<SpooledFile>>> Blobs::receive(net::Body& body) {
    const std::optional<std::uint64_t> declared = body.declared_size();
    const auto expected = static_cast<std::int64_t>(declared.value_or(0));
    const auto incoming = std::make_shared<Incoming>();
    // It would grow by copying; what is read last may make it longer than it need be.
    const std::size_t room_max =
        limits::blob_upload_piece_bytes + net::ServerLimits{}.large_body_buffer_bytes;
    incoming->piece.reserve(std::min<std::size_t>(declared.value_or(0), room_max));
    std::int64_t total = 0;
    bool is_last = false;
    while (!is_last) {
        const std::string_view got = CO_TRY(co_await body.read_some());
        total += std::ssize(got);
        is_last = got.empty() || (declared && total == expected);
        if (total > options_.upload_bytes_max)
            co_return net::body_too_large(static_cast<std::size_t>(options_.upload_bytes_max));
        incoming->piece.append(got);
        if (!is_last && incoming->piece.size() < limits::blob_upload_piece_bytes) continue;
        const std::int64_t free_min = options_.free_bytes_min;
        CO_TRY(co_await pool_.run(
            [incoming, is_last, expected, free_min, &spool = spool_]() -> Result<void> {
                if (!incoming->file) incoming->file = TRY(spool.create(free_min, expected));
                TRY(incoming->file->append(incoming->piece, free_min));
                incoming->piece.clear();
                if (is_last) incoming->file->finish();
                return {};
            }));
    }
    co_return std::move(incoming->file);
}

Task<Result<Blob>> Blobs::store(std::int64_t account_id, std::string media_type,
                                std::shared_ptr<SpooledFile> file) {
    Unsettled unsettled(*this, file);
    blob_store::Upload upload{.cid = file->cid(),
                              .mime_type = std::move(media_type),
                              .size = file->size(),
                              .file = file->name()};
    const std::optional<Blob> present =
        CO_TRY(co_await db_.read([&](db::Transaction& t) -> Result<std::optional<Blob>> {
            return blob_store::find(t, account_id, upload.cid);
        }));
    if (!present) {
        CO_TRY(co_await check_quota(account_id, upload.size));
    } else if (CO_TRY(co_await files_->has(present->file, present->size))) {
        blob_store::Upload again = upload;
        again.file = present->file;
        const Timestamp time = now();
        std::optional<Blob> renewed = CO_TRY(co_await db_.write(
            [account_id, again, time](db::Transaction& t) -> Result<std::optional<Blob>> {
                return blob_store::renew(t, account_id, again, time);
            }));
        if (renewed) co_return *std::move(renewed);
        // It was deleted meanwhile.
    }
    unsettled.set_maybe_kept();
    CO_TRY(co_await files_->keep(file));
    const Timestamp time = now();
    Blob blob = CO_TRY(co_await db_.write(
        [account_id, upload, replaced = present ? present->file : std::string(),
         quota = options_.account_bytes_max, time](db::Transaction& t) -> Result<Blob> {
            return blob_store::record(t, account_id, upload, replaced, quota, time);
        }));
    // Another upload of the same bytes may have been first: this one's file is not needed then.
    if (blob.file == upload.file) unsettled.set_settled();
    co_return blob;
}

Task<Result<Blob>> Blobs::find(std::int64_t account_id, atproto::Cid cid) {
    std::optional<Blob> blob =
        CO_TRY(co_await db_.read([&](db::Transaction& t) -> Result<std::optional<Blob>> {
            return blob_store::find(t, account_id, cid);
        }));
    if (!blob || blob->is_temporary || blob->takedown_ref) co_return not_found();
    co_return *std::move(blob);
}

Task<Result<std::unique_ptr<net::BodySource>>> Blobs::read(Blob blob, std::int64_t offset,
                                                           std::int64_t size) {
    if (++downloads_ > limits::blob_downloads_max) {
        --downloads_;
        co_return busy();
    }
    auto counted = std::make_unique<CountedSource>(downloads_);
    auto source = co_await files_->open(blob.file, offset, size);
    if (!source.has_value() && source.error().fault == Fault::not_found) {
        log::error("the file of a blob is missing",
                   {{"cid", blob.cid.text()}, {"file", blob.file}});
        co_return not_found();
    }
    counted->set(CO_TRY(std::move(source)));
    co_return counted;
}

BlobStats Blobs::stats() const {
    return {.uploads_total = uploads_total_,
            .uploaded_bytes_total = uploaded_bytes_total_,
            .scrubbed_total = scrubbed_total_,
            .damaged_total = damaged_total_,
            .missing_total = missing_total_};
}

}  // namespace roost::pds
