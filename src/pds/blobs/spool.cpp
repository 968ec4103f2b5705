#include "pds/blobs/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "base/failed_fsync.h"
#include "base/log.h"
#include "base/random.h"
#include "pds/blobs/limits.h"

namespace roost::pds {

namespace {

constexpr std::string_view suffix = ".upload";
constexpr std::size_t nonce_bytes = 16;
constexpr std::size_t nonce_chars = 26;

// The nonce of a name of ours.
std::optional<std::string> nonce_of(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    if (name.size() != nonce_chars + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
    std::string nonce = name.substr(0, nonce_chars);
    if (!base32_decode(nonce)) return std::nullopt;
    return nonce;
}

}  // namespace

Error disk_error(int error_number, std::string_view what) {
    if (error_number == ENOSPC || error_number == EDQUOT)
        return {Fault::insufficient_storage, "InsufficientStorage", "The disk for blobs is full"};
    log::error("the store of blobs failed",
               {{"what", what}, {"reason", std::strerror(error_number)}});
    return {Fault::internal, "InternalServerError", "Internal Server Error"};
}

Result<void> check_free(int descriptor, std::int64_t bytes, std::int64_t free_bytes_min) {
    struct statvfs disk{};
    if (fstatvfs(descriptor, &disk) != 0) return disk_error(errno, "statvfs");
    const auto free =
        static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
    if (free - free_bytes_min < bytes) return disk_error(ENOSPC, "statvfs");
    return {};
}

std::string blob_file_name(const atproto::Cid& cid, std::string_view nonce) {
    std::string name = hex_encode(ByteView(cid.digest()).first(1));
    return name.append("/").append(cid.text()).append("-").append(nonce);
}

SpooledFile::~SpooledFile() {
    if (!is_left_) ::unlink(path_.c_str());
    ::close(descriptor_);
}

Result<void> SpooledFile::append(std::string_view piece, std::int64_t free_bytes_min) {
    TRY(check_free(descriptor_, std::ssize(piece), free_bytes_min));
    hash_.update(as_bytes(piece));
    size_ += std::ssize(piece);
    if (start_.size() < limits::sniffed_bytes_max)
        roost::append(start_, as_bytes(piece.substr(0, limits::sniffed_bytes_max - start_.size())));
    while (!piece.empty()) {
        const ssize_t written = ::write(descriptor_, piece.data(), piece.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return disk_error(errno, "write");
        piece.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

void SpooledFile::name_it(const atproto::Cid::Digest& digest) {
    cid_ = atproto::Cid::from_digest(atproto::Codec::raw, digest);
    name_ = blob_file_name(*cid_, nonce_);
}

void SpooledFile::finish() {
    name_it(hash_.finish());
}

Result<void> SpooledFile::sync() {
    if (::fsync(descriptor_) == 0) return {};
    if (errno != ENOSPC && errno != EDQUOT) end_after_failed_fsync("sync of an upload");
    return disk_error(errno, "fsync");
}

Result<SpoolFolder> SpoolFolder::open(std::filesystem::path folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        return Error::invalid("Cannot make the folder " + folder.string() + ": " + error.message());
    SpoolFolder opened(std::move(folder));
    for (const auto& entry : std::filesystem::directory_iterator(opened.folder_, error))
        if (nonce_of(entry.path())) opened.leftovers_.push_back(entry.path());
    if (error)
        return Error::invalid("Cannot read the folder " + opened.folder_.string() + ": " +
                              error.message());
    return opened;
}

Result<std::shared_ptr<SpooledFile>> SpoolFolder::create(std::int64_t free_bytes_min,
                                                         std::int64_t expected_bytes) const {
    std::string nonce = base32_encode(random_bytes(nonce_bytes));
    std::filesystem::path path = folder_ / (nonce + std::string(suffix));
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) return disk_error(errno, "open");
    std::shared_ptr<SpooledFile> file(
        new SpooledFile(std::move(path), std::move(nonce), descriptor));
    // Another process that was given the same folder shall not take it for a leftover.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return disk_error(errno, "flock");
    TRY(check_free(descriptor, expected_bytes, free_bytes_min));
    return file;
}

std::shared_ptr<SpooledFile> SpoolFolder::reopen(const std::filesystem::path& path) const {
    std::optional<std::string> nonce = nonce_of(path);
    check(nonce.has_value(), "a leftover has a name of ours");
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return nullptr;
    std::shared_ptr<SpooledFile> file(new SpooledFile(path, *std::move(nonce), descriptor));
    Bytes piece(limits::blob_piece_bytes);
    ssize_t got = -1;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        while ((got = ::read(descriptor, piece.data(), piece.size())) > 0) {
            file->hash_.update(ByteView(piece).first(static_cast<std::size_t>(got)));
            file->size_ += got;
        }
    if (got != 0) {
        file->leave();
        return nullptr;
    }
    file->finish();
    return file;
}

}  // namespace roost::pds
