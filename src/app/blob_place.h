// Where the configuration puts blobs: the folder or the bucket, and the folder of uploads.
#pragma once

#include <filesystem>
#include <memory>

#include "app/config.h"
#include "app/jobs.h"
#include "base/result.h"
#include "net/http_client.h"
#include "pds/blobs/blobs.h"
#include "web/metrics.h"

namespace roost::app {

struct BlobPlace {
    std::unique_ptr<pds::FilePool> pool;
    std::filesystem::path uploads;  // the folder of the spool
    pds::SpoolFolder spool;
    std::unique_ptr<pds::BlobFiles> disk;  // none: blobs are in a bucket
};

// Makes the folders if they are not there. Errors name them.
Result<BlobPlace> open_blob_place(const StorageConfig& storage);

// Takes all of the place but its pool.
std::unique_ptr<pds::Blobs> make_blobs(BlobPlace& place, const Config& config, db::Database& db,
                                       net::HttpClient& http);

void add_blob_samples(web::Metrics& metrics, const pds::Blobs& blobs);
void add_blob_jobs(Jobs& jobs, pds::Blobs& blobs);

}  // namespace roost::app
