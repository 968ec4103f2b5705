// Blobs in a folder: LOCATION/ab/bafkrei…-nonce. Files are 0600, folders 0700.
#pragma once

#include <filesystem>

#include "pds/blobs/blob_files.h"
#include "pds/blobs/file_pool.h"

namespace roost::pds {

class DiskFiles final : public BlobFiles {
  public:
    // Makes the folder if there is none. Uploads are spooled on the same file system.
    static Result<std::unique_ptr<DiskFiles>> open(std::filesystem::path folder, FilePool& pool);

    Task<Result<void>> keep(std::shared_ptr<SpooledFile> upload) override;
    Task<Result<std::unique_ptr<net::BodySource>>> open(std::string name, std::int64_t offset,
                                                        std::int64_t size) override;
    Task<Result<void>> erase(std::string name) override;
    Task<Result<bool>> has(std::string name, std::int64_t size) override;
    Task<Result<Condition>> inspect(std::string name, std::int64_t size, atproto::Cid cid) override;

  private:
    DiskFiles(std::filesystem::path folder, FilePool& pool)
        : folder_(std::move(folder)), pool_(pool) {}

    std::filesystem::path folder_;
    FilePool& pool_;
};

// Whether a file can have a second name in the other folder. Both are there.
bool are_on_one_file_system(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace roost::pds
