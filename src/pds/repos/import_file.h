// Where the CAR file of an import lies while it is read: a file without a name, that goes when it
// is closed, also by a crash. On one thread at a time; all functions may block.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "atproto/repo/car_blocks.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::pds {

class ImportFile final : public atproto::CarContent {
  public:
    // Errors: Fault::insufficient_storage, if the disk is full, or would be but for free_bytes_min
    // bytes; Fault::internal.
    static Result<std::unique_ptr<ImportFile>> create(const std::filesystem::path& folder,
                                                      std::int64_t free_bytes_min,
                                                      std::int64_t expected_bytes);
    ~ImportFile() override;
    ImportFile(const ImportFile&) = delete;
    ImportFile& operator=(const ImportFile&) = delete;

    // Errors: as create().
    Result<void> append(ByteView piece);
    Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) override;

  private:
    ImportFile(int descriptor, std::int64_t free_bytes_min)
        : descriptor_(descriptor), free_bytes_min_(free_bytes_min) {}

    int descriptor_;
    std::int64_t free_bytes_min_;
};

}  // namespace roost::pds
