#include "app/blob_place.h"

#include "app/private_file.h"
#include "base/clock.h"
#include "base/log.h"
#include "pds/blobs/disk_files.h"
#include "pds/blobs/limits.h"
#include "pds/blobs/s3_files.h"

namespace roost::app {

namespace {

constexpr std::int64_t minute_ms = 60'000;
// How long a file outlives its blob, at most.
constexpr std::int64_t remove_files_ms = 5'000;

void warn_unless(const Result<void>& done, std::string_view what) {
    if (!done.has_value()) log::warn(what, {{"reason", done.error().message}});
}

Task<void> expire(pds::Blobs& blobs) {
    const Result<std::int64_t> expired = co_await blobs.expire(now());
    if (!expired.has_value())
        log::warn("blobs that no record refers to could not be deleted",
                  {{"reason", expired.error().message}});
    else if (*expired > 0)
        log::info("deleted blobs that no record refers to", {{"count", *expired}});
}

Task<void> remove_files(pds::Blobs& blobs) {
    warn_unless(co_await blobs.remove_files(now()), "files of blobs could not be removed");
}

Task<void> scrub(pds::Blobs& blobs) {
    warn_unless(co_await blobs.scrub(now()), "blobs could not be checked");
}

}  // namespace

Result<BlobPlace> open_blob_place(const StorageConfig& storage) {
    auto pool = std::make_unique<pds::FilePool>(pds::limits::blob_file_threads);
    std::unique_ptr<pds::BlobFiles> disk;
    std::filesystem::path spool_folder = storage.blob_spool_directory;
    if (!storage.s3) {
        TRY(make_private_directory(storage.blob_directory));
        disk = TRY(pds::DiskFiles::open(storage.blob_directory, *pool));
    }
    TRY(make_private_directory(spool_folder));
    if (disk && !pds::are_on_one_file_system(spool_folder, storage.blob_directory)) {
        log::warn(
            "PDS_BLOBSTORE_DISK_TMP_LOCATION is on another file system than "
            "PDS_BLOBSTORE_DISK_LOCATION: the folder tmp in the latter is used instead");
        spool_folder = storage.blob_directory / "tmp";
        TRY(make_private_directory(spool_folder));
    }
    pds::SpoolFolder spool = TRY(pds::SpoolFolder::open(spool_folder));
    return BlobPlace{std::move(pool), std::move(spool_folder), std::move(spool), std::move(disk)};
}

std::unique_ptr<pds::Blobs> make_blobs(BlobPlace& place, const Config& config, db::Database& db,
                                       net::HttpClient& http) {
    std::unique_ptr<pds::BlobFiles> files = std::move(place.disk);
    if (const auto& s3 = config.storage.s3)
        files = std::make_unique<pds::S3Files>(
            http, *place.pool,
            pds::S3Options{.bucket = s3->bucket,
                           .endpoint = s3->endpoint,
                           .bucket_in = s3->style == S3Config::Style::path
                                            ? pds::S3Options::BucketIn::path
                                            : pds::S3Options::BucketIn::host,
                           .credentials = {.access_key_id = s3->access_key_id,
                                           .secret_access_key = s3->secret_access_key,
                                           .region = s3->region},
                           .upload_timeout_ms = static_cast<int>(s3->upload_timeout_ms),
                           .request_timeout_ms = static_cast<int>(s3->request_timeout_ms)});
    return std::make_unique<pds::Blobs>(
        db, *place.pool, std::move(place.spool), std::move(files),
        pds::BlobOptions{.upload_bytes_max = config.service.blob_bytes_max,
                         .account_bytes_max = config.storage.account_blob_bytes_max,
                         .free_bytes_min = config.storage.free_bytes_min});
}

void add_blob_samples(web::Metrics& metrics, const pds::Blobs& blobs) {
    using Kind = web::Metrics::Kind;
    const auto add = [&](const char* name, const char* meaning,
                         std::int64_t pds::BlobStats::* value) {
        metrics.add(Kind::counter, name, meaning,
                    [&blobs, value] { return static_cast<double>(blobs.stats().*value); });
    };
    add("roost_blob_uploads_total", "Blobs that were uploaded", &pds::BlobStats::uploads_total);
    add("roost_blob_uploaded_bytes_total", "Their bytes", &pds::BlobStats::uploaded_bytes_total);
    add("roost_blob_scrubbed_total", "Stored blobs that were checked",
        &pds::BlobStats::scrubbed_total);
    add("roost_blob_damaged_total", "Those that are not what was uploaded",
        &pds::BlobStats::damaged_total);
    add("roost_blob_missing_total", "Those whose file is not there",
        &pds::BlobStats::missing_total);
}

void add_blob_jobs(Jobs& jobs, pds::Blobs& blobs) {
    jobs.every(minute_ms, "settle uploads", [&blobs] { return blobs.settle(); });
    jobs.every(10 * minute_ms, "expire blobs", [&blobs] { return expire(blobs); });
    jobs.every(remove_files_ms, "remove files of blobs", [&blobs] { return remove_files(blobs); });
    jobs.every(pds::limits::blob_scrub_turn_ms, "check blobs", [&blobs] { return scrub(blobs); });
}

}  // namespace roost::app
