#include "pds/repos/import_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "pds/blobs/spool.h"

namespace roost::pds {

Result<std::unique_ptr<ImportFile>> ImportFile::create(const std::filesystem::path& folder,
                                                       std::int64_t free_bytes_min,
                                                       std::int64_t expected_bytes) {
    std::string path = (folder / "import-XXXXXX").string();
    const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor < 0) return disk_error(errno, "open");
    std::unique_ptr<ImportFile> file(new ImportFile(descriptor, free_bytes_min));
    if (::unlink(path.c_str()) != 0) return disk_error(errno, "unlink");
    TRY(check_free(descriptor, expected_bytes, free_bytes_min));
    return file;
}

ImportFile::~ImportFile() {
    ::close(descriptor_);
}

Result<void> ImportFile::append(ByteView piece) {
    TRY(check_free(descriptor_, std::ssize(piece), free_bytes_min_));
    while (!piece.empty()) {
        const ssize_t written = ::write(descriptor_, piece.data(), piece.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return disk_error(errno, "write");
        piece = piece.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> ImportFile::read(std::uint64_t offset, std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const ssize_t got =
            ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return disk_error(got < 0 ? errno : EIO, "read");
        offset += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

}  // namespace roost::pds
