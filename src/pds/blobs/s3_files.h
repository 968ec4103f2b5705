// Blobs in an S3 bucket, under "blobs/" and their names.
//
// An upload is spooled to the disk first: its hash, which the request's signature needs, is known
// then, and a request that failed can be repeated. The store checks the hash it was told.
#pragma once

#include <string>

#include "net/http_client.h"
#include "pds/blobs/blob_files.h"
#include "pds/blobs/file_pool.h"
#include "pds/blobs/limits.h"
#include "pds/blobs/s3_signature.h"

namespace roost::pds {

struct S3Options {
    std::string bucket;
    std::string endpoint;  // "https://s3.example.com", no slash at the end
    enum class BucketIn { host, path };
    BucketIn bucket_in = BucketIn::host;
    S3Credentials credentials;
    int upload_timeout_ms = limits::s3_request_timeout_ms;
    int request_timeout_ms = limits::s3_request_timeout_ms;
};

class S3Files final : public BlobFiles {
  public:
    S3Files(net::HttpClient& http, FilePool& pool, S3Options options);

    Task<Result<void>> keep(std::shared_ptr<SpooledFile> upload) override;
    Task<Result<std::unique_ptr<net::BodySource>>> open(std::string name, std::int64_t offset,
                                                        std::int64_t size) override;
    Task<Result<void>> erase(std::string name) override;
    Task<Result<bool>> has(std::string name, std::int64_t size) override;
    // Whether it is there and has its size: reading a bucket costs money, and it has checks of its
    // own.
    Task<Result<Condition>> inspect(std::string name, std::int64_t size, atproto::Cid cid) override;

  private:
    // Of each attempt: a signature is good for a few minutes.
    net::ClientRequest request(net::Method method, std::string_view name,
                               std::string_view payload_sha256,
                               std::vector<std::pair<std::string, std::string>> headers = {}) const;
    Task<Result<net::ClientResponse>> send(net::Method method, std::string name,
                                           std::shared_ptr<SpooledFile> upload);

    net::HttpClient& http_;
    FilePool& pool_;
    const S3Options options_;
    std::string base_url_;  // to which names are added
};

}  // namespace roost::pds
