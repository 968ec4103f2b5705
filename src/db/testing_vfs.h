// An SQLite VFS that passes everything to the operating system until it is told to fail.
// https://www.sqlite.org/vfs.html
#pragma once

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <optional>

#include "db/gathered_writes.h"

namespace roost::db::testing {

class FaultyVfs {
  public:
    FaultyVfs() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
        vfs_.zName = "roost-faulty";
        vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
        vfs_.pAppData = this;
        vfs_.xOpen = [](sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                        int* out) { return self(vfs).open(name, file, flags, out); };
        sqlite3_vfs_register(&vfs_, 0);
        gathered_.emplace(vfs_.zName);
    }
    ~FaultyVfs() {
        gathered_.reset();
        sqlite3_vfs_unregister(&vfs_);
    }
    FaultyVfs(const FaultyVfs&) = delete;
    // Writes are gathered on top of it, as always.
    const char* name() const { return gathered_->name(); }

    std::atomic<int> write_answer = SQLITE_OK;
    std::atomic<int> sync_answer = SQLITE_OK;
    std::atomic<int> writes = 0;  // that reached the operating system, or failed here
    // kill -9 before the n-th write, sync or truncation from now; negative: never.
    std::atomic<int> operations_to_live = -1;

  private:
    struct File {
        sqlite3_file base;
        FaultyVfs* owner;
        sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    };
    static FaultyVfs& self(sqlite3_vfs* vfs) { return *static_cast<FaultyVfs*>(vfs->pAppData); }
    static FaultyVfs& owner(sqlite3_file* file) { return *reinterpret_cast<File*>(file)->owner; }
    static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }
    void maybe_die() {
        if (operations_to_live >= 0 && operations_to_live-- == 0) kill(getpid(), SIGKILL);
    }

    int open(const char* name, sqlite3_file* file, int flags, int* out) {
        auto* mine = reinterpret_cast<File*>(file);
        mine->owner = this;
        mine->base.pMethods = nullptr;
        const int code = real_->xOpen(real_, name, mine->real(), flags, out);
        if (code == SQLITE_OK) mine->base.pMethods = methods();
        return code;
    }

    static const sqlite3_io_methods* methods() {
        using F = sqlite3_file;
        static const sqlite3_io_methods table = {
            3,
            [](F* f) { return real(f)->pMethods->xClose(real(f)); },
            [](F* f, void* to, int n, sqlite3_int64 at) {
                return real(f)->pMethods->xRead(real(f), to, n, at);
            },
            [](F* f, const void* from, int n, sqlite3_int64 at) {
                owner(f).maybe_die();
                ++owner(f).writes;
                const int answer = owner(f).write_answer;
                return answer ? answer : real(f)->pMethods->xWrite(real(f), from, n, at);
            },
            [](F* f, sqlite3_int64 size) {
                owner(f).maybe_die();
                return real(f)->pMethods->xTruncate(real(f), size);
            },
            [](F* f, int flags) {
                owner(f).maybe_die();
                const int answer = owner(f).sync_answer;
                return answer ? answer : real(f)->pMethods->xSync(real(f), flags);
            },
            [](F* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
            [](F* f, int lock) { return real(f)->pMethods->xLock(real(f), lock); },
            [](F* f, int lock) { return real(f)->pMethods->xUnlock(real(f), lock); },
            [](F* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); },
            [](F* f, int op, void* arg) {
                return real(f)->pMethods->xFileControl(real(f), op, arg);
            },
            [](F* f) { return real(f)->pMethods->xSectorSize(real(f)); },
            [](F* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
            [](F* f, int page, int size, int extend, void volatile** out) {
                return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
            },
            [](F* f, int offset, int n, int flags) {
                return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
            },
            [](F* f) { real(f)->pMethods->xShmBarrier(real(f)); },
            [](F* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
            [](F* f, sqlite3_int64 at, int n, void** out) {
                return real(f)->pMethods->xFetch(real(f), at, n, out);
            },
            [](F* f, sqlite3_int64 at, void* page) {
                return real(f)->pMethods->xUnfetch(real(f), at, page);
            },
        };
        return &table;
    }

    sqlite3_vfs* real_;
    sqlite3_vfs vfs_;
    std::optional<GatheredWrites> gathered_;
};

}  // namespace roost::db::testing
