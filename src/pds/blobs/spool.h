// Uploads on their way: each is written to a file of its own and hashed, so that no more than a
// piece of it is in memory, and sent to the store of blobs when it is whole.
//
// The file stays until the blob's row is committed, and so it is the note of what has to be settled
// after a crash: what is found here at the start is a blob whose row was written, or one whose copy
// in the store nobody knows (Blobs::settle()).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "atproto/crypto/sha256.h"
#include "atproto/data/cid.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::pds {

// One upload. On one thread at a time; all functions may block. Its file is removed when it ends,
// unless it was left to be settled.
class SpooledFile {
  public:
    ~SpooledFile();
    SpooledFile(const SpooledFile&) = delete;
    SpooledFile& operator=(const SpooledFile&) = delete;

    // Errors: Fault::insufficient_storage, if the disk is full, or would be but for free_bytes_min
    // bytes; Fault::internal.
    Result<void> append(std::string_view piece, std::int64_t free_bytes_min);
    // No more comes. The content is known from here, and written to the disk if asked for.
    void finish();
    // To the disk, before it gets its name; or the process ends. Errors: as append().
    Result<void> sync();

    std::int64_t size() const { return size_; }
    ByteView start() const { return start_; }          // limits::sniffed_bytes_max bytes
    const atproto::Cid& cid() const { return *cid_; }  // once it is finished
    const std::string& name() const { return name_; }  // the same: the name in the store
    const std::filesystem::path& path() const { return path_; }
    int descriptor() const { return descriptor_; }

    // The file stays where it is.
    void leave() { is_left_ = true; }

  private:
    friend class SpoolFolder;
    SpooledFile(std::filesystem::path path, std::string nonce, int descriptor)
        : path_(std::move(path)), nonce_(std::move(nonce)), descriptor_(descriptor) {}
    void name_it(const atproto::Cid::Digest& digest);

    std::filesystem::path path_;
    std::string nonce_;
    int descriptor_;
    atproto::Sha256 hash_;
    std::int64_t size_ = 0;
    Bytes start_;
    std::optional<atproto::Cid> cid_;
    std::string name_;
    bool is_left_ = false;
};

// The folder of temporary files. Any thread; all functions may block.
class SpoolFolder {
  public:
    // Makes the folder if there is none, and finds what was left in it.
    static Result<SpoolFolder> open(std::filesystem::path folder);

    // Errors: Fault::insufficient_storage, Fault::internal.
    Result<std::shared_ptr<SpooledFile>> create(std::int64_t free_bytes_min,
                                                std::int64_t expected_bytes) const;

    // What an earlier process has left, each file once.
    std::vector<std::filesystem::path> take_leftovers() { return std::exchange(leftovers_, {}); }
    // Reads it, so that its CID and name are known; the file is removed with the answer unless it
    // is left again. Nothing if it is in use, or gone.
    std::shared_ptr<SpooledFile> reopen(const std::filesystem::path& path) const;

    const std::filesystem::path& path() const { return folder_; }

  private:
    explicit SpoolFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

    std::filesystem::path folder_;
    std::vector<std::filesystem::path> leftovers_;
};

// "ab/bafkrei…-nonce": the start of the digest, so that folders stay small, the CID, and what makes
// the name differ from all others. No upload takes the name of another, and so a file whose blob
// was deleted can be removed at any time, whoever uploads the same bytes meanwhile.
std::string blob_file_name(const atproto::Cid& cid, std::string_view nonce);

// What a failed call of the operating system amounts to.
Error disk_error(int error_number, std::string_view what);
// Whether so many bytes can be written, and free_bytes_min still be free. Errors:
// Fault::insufficient_storage.
Result<void> check_free(int descriptor, std::int64_t bytes, std::int64_t free_bytes_min);

}  // namespace roost::pds
