#include "pds/blobs/disk_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/failed_fsync.h"
#include "pds/blobs/limits.h"

namespace roost::pds {

namespace {

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }

  private:
    int number_;
};

Error not_found() {
    return Error::not_found("There is no such file", "BlobFileNotFound");
}

Result<void> sync_folder(const std::filesystem::path& folder) {
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) return disk_error(errno, "open of a folder");
    if (::fsync(opened.get()) != 0) end_after_failed_fsync("sync of a folder of blobs");
    return {};
}

// The folder that a file goes to; there are 256 of them.
Result<void> make_folder(const std::filesystem::path& folder) {
    if (::access(folder.c_str(), F_OK) == 0) return {};
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return disk_error(errno, "mkdir");
    return sync_folder(folder.parent_path());
}

Result<void> keep_now(SpooledFile& upload, const std::filesystem::path& path) {
    TRY(upload.sync());
    TRY(make_folder(path.parent_path()));
    // A second name, as the first one is the note of what is to be settled (spool.h). Some file
    // systems know no second names.
    if (::link(upload.path().c_str(), path.c_str()) != 0) {
        if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
            return disk_error(errno, "link");
        if (::rename(upload.path().c_str(), path.c_str()) != 0) return disk_error(errno, "rename");
    }
    return sync_folder(path.parent_path());
}

constexpr int reading = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;

// A file of that size or more.
Result<Descriptor> sized(Descriptor file, std::int64_t size_min) {
    struct stat facts{};
    if (::fstat(file.get(), &facts) != 0) return disk_error(errno, "fstat");
    if (!S_ISREG(facts.st_mode) || facts.st_size < size_min) return not_found();
    return file;
}

Result<Descriptor> open_now(const std::filesystem::path& path, std::int64_t size_min) {
    Descriptor file(::open(path.c_str(), reading));
    if (!file) return errno == ENOENT ? not_found() : disk_error(errno, "open");
    return sized(std::move(file), size_min);
}

// Nothing if the system would have to look on the disk for it, or does not know the call.
// https://man7.org/linux/man-pages/man2/openat2.2.html
std::optional<Result<Descriptor>> open_at_once(const std::filesystem::path& path,
                                               std::int64_t size_min) {
    open_how how{};
    how.flags = reading;
    how.resolve = RESOLVE_CACHED;
    Descriptor file(
        static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
    if (!file) return std::nullopt;
    return sized(std::move(file), size_min);
}

// Reads a whole file, at the side of those that serve it.
Result<BlobFiles::Condition> inspect_now(const std::filesystem::path& path, std::int64_t size,
                                         const atproto::Cid& cid) {
    using enum BlobFiles::Condition;
    Result<Descriptor> file = open_now(path, 0);
    if (!file.has_value() && file.error().fault == Fault::not_found) return missing;
    if (!file.has_value()) return file.error();
    Bytes piece(limits::blob_piece_bytes);
    atproto::Sha256 hash;
    std::int64_t total = 0;
    while (true) {
        const ssize_t got = ::read(file->get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EIO) return damaged;
        if (got < 0) return disk_error(errno, "read");
        if (got == 0) break;
        hash.update(ByteView(piece).first(static_cast<std::size_t>(got)));
        total += got;
    }
    // Nobody has asked for these pages.
    ::posix_fadvise(file->get(), 0, 0, POSIX_FADV_DONTNEED);
    return total == size && hash.finish() == cid.digest() ? sound : damaged;
}

// Whether the system has that part of a file in memory. No, where it does not know the call: Linux
// before 6.5. https://man7.org/linux/man-pages/man2/cachestat.2.html
bool is_in_memory(int file, std::int64_t offset, std::int64_t size) {
    constexpr long cachestat_number = 451;
    struct Range {
        std::uint64_t offset, size;
    } range{static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size)};
    struct Pages {
        std::uint64_t cached, dirty, in_writeback, evicted, recently_evicted;
    } pages{};
    static const std::int64_t page_bytes = ::sysconf(_SC_PAGESIZE);
    const std::int64_t wanted = (offset + size - 1) / page_bytes - offset / page_bytes + 1;
    return ::syscall(cachestat_number, file, &range, &pages, 0) == 0 &&
           pages.cached >= static_cast<std::uint64_t>(wanted);
}

// Reads what the system has in memory on the spot, and lets a worker wait for the rest.
class FileSource final : public net::BodySource {
  public:
    FileSource(FilePool& pool, Descriptor file, std::int64_t offset, std::int64_t size)
        : pool_(pool), read_(std::make_shared<Read>(std::move(file), offset)), left_(size) {}

    Task<Result<std::string_view>> next() override {
        const std::size_t size =
            std::min(static_cast<std::size_t>(left_), limits::blob_piece_bytes);
        if (size == 0) co_return std::string_view();
        ssize_t got = read_->some(size, RWF_NOWAIT);
        if (got < 0) got = co_await pool_.run([read = read_, size] { return read->some(size, 0); });
        if (got <= 0) co_return disk_error(got < 0 ? read_->error : EIO, "read");
        left_ -= got;
        read_->offset += got;
        co_return as_text(ByteView(read_->piece).first(static_cast<std::size_t>(got)));
    }

    std::optional<net::FilePiece> in_file() override {
        const std::int64_t size = std::min(left_, limits::blob_file_piece_bytes);
        const int file = read_->file.get();
        if (size == 0 || !is_in_memory(file, read_->offset, size)) return std::nullopt;
        return net::FilePiece{file, read_->offset, static_cast<std::size_t>(size)};
    }

    void skip(std::size_t size) override {
        left_ -= static_cast<std::int64_t>(size);
        read_->offset += static_cast<std::int64_t>(size);
    }

  private:
    struct Read {
        Descriptor file;
        std::int64_t offset;
        Bytes piece;
        int error = 0;

        Read(Descriptor opened, std::int64_t start) : file(std::move(opened)), offset(start) {}
        ssize_t some(std::size_t size, int flags) {
            if (piece.size() < size) piece.resize(size);
            const iovec to{piece.data(), size};
            ssize_t got = -1;
            do
                got = ::preadv2(file.get(), &to, 1, offset, flags);
            while (got < 0 && errno == EINTR);
            error = errno;
            return got;
        }
    };

    FilePool& pool_;
    std::shared_ptr<Read> read_;
    std::int64_t left_;
};

}  // namespace

Result<std::unique_ptr<DiskFiles>> DiskFiles::open(std::filesystem::path folder, FilePool& pool) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        return Error::invalid("Cannot make the folder of blobs " + folder.string() + ": " +
                              error.message());
    if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0)
        return Error::invalid("Cannot write to the folder of blobs " + folder.string());
    return std::unique_ptr<DiskFiles>(new DiskFiles(std::move(folder), pool));
}

Task<Result<void>> DiskFiles::keep(std::shared_ptr<SpooledFile> upload) {
    co_return co_await pool_.run([upload, path = folder_ / upload->name()]() -> Result<void> {
        return keep_now(*upload, path);
    });
}

Task<Result<std::unique_ptr<net::BodySource>>> DiskFiles::open(std::string name,
                                                               std::int64_t offset,
                                                               std::int64_t size) {
    const std::filesystem::path path = folder_ / name;
    const std::int64_t end = offset + size;
    std::optional<Result<Descriptor>> file = open_at_once(path, end);
    if (!file)
        file.emplace(co_await pool_.run(
            [path, end]() -> Result<Descriptor> { return open_now(path, end); }));
    co_return std::make_unique<FileSource>(pool_, CO_TRY(*std::move(file)), offset, size);
}

Task<Result<void>> DiskFiles::erase(std::string name) {
    co_return co_await pool_.run([path = folder_ / name]() -> Result<void> {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return disk_error(errno, "unlink");
        return {};
    });
}

Task<Result<bool>> DiskFiles::has(std::string name, std::int64_t size) {
    co_return co_await pool_.run([path = folder_ / name, size]() -> Result<bool> {
        struct stat facts{};
        if (::stat(path.c_str(), &facts) != 0) {
            if (errno == ENOENT) return false;
            return disk_error(errno, "stat");
        }
        return facts.st_size == size;
    });
}

Task<Result<BlobFiles::Condition>> DiskFiles::inspect(std::string name, std::int64_t size,
                                                      atproto::Cid cid) {
    co_return co_await pool_.run([path = folder_ / name, size, cid]() -> Result<Condition> {
        return inspect_now(path, size, cid);
    });
}

bool are_on_one_file_system(const std::filesystem::path& a, const std::filesystem::path& b) {
    struct stat first{}, second{};
    return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
           first.st_dev == second.st_dev;
}

}  // namespace roost::pds
