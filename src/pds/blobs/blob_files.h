// Where the bytes of blobs are: a folder (disk_files.h) or an S3 bucket (s3_files.h).
//
// Files have the names that spool.h gives them and never change. What they are, and whose, is only
// in the rows (blob_store.h). Any event loop's thread; no function holds it while it waits for the
// disk or the network. Tasks own what they use.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "atproto/data/cid.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http.h"
#include "pds/blobs/spool.h"

namespace roost::pds {

class BlobFiles {
  public:
    virtual ~BlobFiles() = default;

    // Keeps the content of a finished upload under its name. Durable when it returns. Errors:
    // Fault::insufficient_storage, upstream_failed, upstream_timeout, internal. After an error, or
    // if the task ends early, the file may be there or not: erase() it.
    virtual Task<Result<void>> keep(std::shared_ptr<SpooledFile> upload) = 0;

    // So many bytes of the file from the offset on. Errors: Fault::not_found, if there is no such
    // file or it is shorter; as above.
    virtual Task<Result<std::unique_ptr<net::BodySource>>> open(std::string name,
                                                                std::int64_t offset,
                                                                std::int64_t size) = 0;

    // Fine if there is none.
    virtual Task<Result<void>> erase(std::string name) = 0;

    // Quick: whether a file of that size is there. Errors: as above.
    virtual Task<Result<bool>> has(std::string name, std::int64_t size) = 0;

    enum class Condition { sound, damaged, missing };
    // Thorough, as far as the store does not do it itself.
    virtual Task<Result<Condition>> inspect(std::string name, std::int64_t size,
                                            atproto::Cid cid) = 0;
};

}  // namespace roost::pds
