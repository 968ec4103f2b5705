#include "db/gathered_writes.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "base/check.h"
#include "db/limits.h"

namespace roost::db {

namespace {

// What SQLite allocates for an open file: this, and behind it what the VFS beneath wants.
struct File {
    sqlite3_file base{};
    std::unique_ptr<std::uint8_t[]>
        gathered;  // room for gathered_bytes_max; null for files that are not gathered for
    std::size_t size = 0;
    sqlite3_int64 at = 0;  // where in the file the first of them belongs

    sqlite3_file* beneath() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    const sqlite3_io_methods& methods() { return *beneath()->pMethods; }

    int flush() {
        if (size == 0) return SQLITE_OK;
        const int bytes = static_cast<int>(std::exchange(size, 0));
        return methods().xWrite(beneath(), gathered.get(), bytes, at);
    }
};

File& file_of(sqlite3_file* file) {
    return *reinterpret_cast<File*>(file);
}

int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
    File& mine = file_of(file);
    const auto more = static_cast<std::size_t>(bytes);
    const bool follows = at == mine.at + static_cast<sqlite3_int64>(mine.size);
    if (!follows || mine.size + more > limits::gathered_bytes_max)
        if (const int code = mine.flush()) return code;
    if (mine.gathered == nullptr || more > limits::gathered_bytes_max)
        return mine.methods().xWrite(mine.beneath(), from, bytes, at);
    if (mine.size == 0) mine.at = at;
    std::memcpy(mine.gathered.get() + mine.size, from, more);
    mine.size += more;
    return SQLITE_OK;
}

int close(sqlite3_file* file) {
    File& mine = file_of(file);
    const int flushed = mine.flush();
    const int closed = mine.methods().xClose(mine.beneath());
    mine.~File();
    return flushed != SQLITE_OK ? flushed : closed;
}

// The method of the file beneath, after all that was gathered. The answer of a question is no error
// code: those do not wait.
enum class Kind { operation, question };
template <auto method, Kind kind = Kind::operation>
struct Beneath;
template <class Answer, class... Arguments,
          Answer (*sqlite3_io_methods::*method)(sqlite3_file*, Arguments...), Kind kind>
struct Beneath<method, kind> {
    static Answer call(sqlite3_file* file, Arguments... arguments) {
        File& mine = file_of(file);
        if constexpr (kind == Kind::operation)
            if (const int code = mine.flush()) return code;
        return (mine.methods().*method)(mine.beneath(), arguments...);
    }
};

constexpr sqlite3_io_methods gathering_methods = {
    .iVersion = 3,
    .xClose = close,
    .xRead = Beneath<&sqlite3_io_methods::xRead>::call,
    .xWrite = write,
    .xTruncate = Beneath<&sqlite3_io_methods::xTruncate>::call,
    .xSync = Beneath<&sqlite3_io_methods::xSync>::call,
    .xFileSize = Beneath<&sqlite3_io_methods::xFileSize>::call,
    .xLock = Beneath<&sqlite3_io_methods::xLock>::call,
    .xUnlock = Beneath<&sqlite3_io_methods::xUnlock>::call,
    .xCheckReservedLock = Beneath<&sqlite3_io_methods::xCheckReservedLock>::call,
    .xFileControl = Beneath<&sqlite3_io_methods::xFileControl>::call,
    .xSectorSize = Beneath<&sqlite3_io_methods::xSectorSize, Kind::question>::call,
    .xDeviceCharacteristics =
        Beneath<&sqlite3_io_methods::xDeviceCharacteristics, Kind::question>::call,
    .xShmMap = Beneath<&sqlite3_io_methods::xShmMap>::call,
    .xShmLock = Beneath<&sqlite3_io_methods::xShmLock>::call,
    .xShmBarrier = Beneath<&sqlite3_io_methods::xShmBarrier, Kind::question>::call,
    .xShmUnmap = Beneath<&sqlite3_io_methods::xShmUnmap>::call,
    .xFetch = Beneath<&sqlite3_io_methods::xFetch>::call,
    .xUnfetch = Beneath<&sqlite3_io_methods::xUnfetch>::call,
};

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
    auto* const beneath = static_cast<sqlite3_vfs*>(vfs->pAppData);
    File& mine = *new (file) File;
    if ((flags & SQLITE_OPEN_WAL) != 0) {
        mine.gathered.reset(new (std::nothrow) std::uint8_t[limits::gathered_bytes_max]);
        if (mine.gathered == nullptr) return SQLITE_NOMEM;
    }
    mine.beneath()->pMethods = nullptr;
    const int code = beneath->xOpen(beneath, name, mine.beneath(), flags, flags_out);
    if (mine.beneath()->pMethods == nullptr) {
        mine.~File();
        return code;
    }
    check(mine.methods().iVersion >= gathering_methods.iVersion, "the VFS beneath knows mappings");
    mine.base.pMethods = &gathering_methods;  // SQLite closes it, opened or not
    return code;
}

}  // namespace

GatheredWrites::GatheredWrites(const char* beneath)
    : beneath_(sqlite3_vfs_find(beneath)),
      name_(std::string("roost-gathered-") + beneath_->zName),
      vfs_(*beneath_) {
    vfs_.pNext = nullptr;
    vfs_.zName = name_.c_str();
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + beneath_->szOsFile;
    vfs_.pAppData = beneath_;
    vfs_.xOpen = open;
    const int code = sqlite3_vfs_register(&vfs_, 0);
    check(code == SQLITE_OK, "SQLite takes another VFS");
}

GatheredWrites::~GatheredWrites() {
    sqlite3_vfs_unregister(&vfs_);
}

}  // namespace roost::db
