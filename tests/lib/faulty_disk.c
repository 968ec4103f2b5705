// Preloaded into a server, stands between it and the files below one folder (FAULTS_BELOW), and
// writes down in FAULTS_LOG what a loss of power could take away: each write with what was there
// before, each change of names, and each fsync; files that lose their names are kept in
// FAULTS_KEPT. After a kill, disk.mjs makes from this a disk that kept less. It also refuses, when
// FAULTS_CONTROL says so: there is no space left, a write fails, an fsync fails.
//
// The kernel is asked by its system calls, and no function that could lead back here is used: the
// functions of the same names inside a sanitized program call these (see ahead.c). What libc writes
// by itself (fopen) passes unseen, and counts as safe.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// The words of FAULTS_CONTROL, a file that the test writes to while the server runs.
struct control {
    int64_t space_left;   // bytes that may still be written, new or in place; negative: any number
    int64_t write_errno;  // of every write, unless 0
    int64_t fsyncs_left;  // so many fsyncs succeed, the next one fails; negative: all succeed
    int64_t fsync_is_a_lie;
    int64_t refused;  // counted here: writes that were refused
};

// A record of the log: this head, then `name_size` and `other_size` bytes of names, `before_size`
// bytes that were there before, and `size` bytes that were written.
struct head {
    uint32_t kind;
    uint32_t file;    // numbers of openings, of a file or folder
    uint64_t number;  // of the record
    int64_t offset;   // of a write; of a truncation, the new size; of an fsync, up to which record
                      // it counts
    int64_t size_before;  // of the file
    uint32_t before_size, size, name_size, other_size;
};
enum {
    OPENED = 1,
    CREATED,
    WRITTEN,
    TRUNCATED,
    SYNCED,
    FOLDER_SYNCED,
    LINKED,
    UNLINKED,
    RENAMED,
    MADE_FOLDER,
    CUT
};

enum { DESCRIPTORS = 65536, OWN_DESCRIPTORS = 100, FSYNC_NS = 2000000 };

static const char* below;
static size_t below_size;
static int log_fd = -1;
static int keep_fd = -1;
static struct control* control;
static uint32_t file_of[DESCRIPTORS];  // 0: none of ours
static char is_folder[DESCRIPTORS];
static ino_t inode_of[DESCRIPTORS];
static uint32_t files;
static uint64_t records;
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void lock(void) {
    while (atomic_flag_test_and_set(&busy))
        syscall(SYS_sched_yield);
}
static void unlock(void) {
    atomic_flag_clear(&busy);
}

// Out of the way of the program's own numbers, of which tests know some.
static int aside(int fd) {
    const int high = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);
    syscall(SYS_close, fd);
    return high;
}

__attribute__((constructor)) static void begin(void) {
    const char* log = getenv("FAULTS_LOG");
    const char* words = getenv("FAULTS_CONTROL");
    const char* folder = getenv("FAULTS_BELOW");
    const char* kept = getenv("FAULTS_KEPT");
    if (!log || !words || !folder || !kept) return;
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, words, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) _exit(99);
    void* at = (void*)syscall(SYS_mmap, NULL, sizeof(struct control), PROT_READ | PROT_WRITE,
                              MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (at == MAP_FAILED) _exit(99);
    control = at;
    log_fd = aside(
        (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    keep_fd = aside((int)syscall(SYS_openat, AT_FDCWD, kept, O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
    if (log_fd < 0 || keep_fd < 0) _exit(99);
    below_size = strlen(folder);
    below = folder;
}

static int is_ours(const char* path) {
    if (!below || strncmp(path, below, below_size) != 0) return 0;
    return path[below_size] == '/' || path[below_size] == 0;
}

// Its number, if it is one of ours. It may have been closed by libc, unseen, and be another by now.
static uint32_t file(int fd) {
    struct stat facts;
    if (!below || fd < 0 || fd >= DESCRIPTORS || !file_of[fd]) return 0;
    if (syscall(SYS_fstat, fd, &facts) != 0 || facts.st_ino != inode_of[fd]) file_of[fd] = 0;
    return file_of[fd];
}

static int64_t size_of(int fd) {
    struct stat facts;
    return syscall(SYS_fstat, fd, &facts) == 0 ? facts.st_size : 0;
}

static void put(const struct iovec* pieces, int count) {
    if (syscall(SYS_writev, log_fd, pieces, count) < 0) _exit(99);
}

static void note(uint32_t kind, uint32_t of, int64_t offset, int64_t before, const char* name,
                 const char* other) {
    struct head head = {
        .kind = kind, .file = of, .number = ++records, .offset = offset, .size_before = before};
    head.name_size = name ? (uint32_t)strlen(name) : 0;
    head.other_size = other ? (uint32_t)strlen(other) : 0;
    const struct iovec pieces[] = {
        {&head, sizeof head}, {(void*)name, head.name_size}, {(void*)other, head.other_size}};
    put(pieces, 3);
}

// What stands in the file from `offset` on, `size` bytes of it, and what is written there, if
// anything is.
static void note_bytes(uint32_t kind, int fd, const char* from, size_t size, int64_t offset) {
    static char before[1 << 20];
    const int64_t size_before = size_of(fd);
    for (size_t done = 0; done < size;) {
        const size_t piece = size - done < sizeof before ? size - done : sizeof before;
        const long got = syscall(SYS_pread64, fd, before, piece, offset + (int64_t)done);
        struct head head = {.kind = kind, .file = file(fd), .number = ++records};
        head.offset = offset + (int64_t)done;
        head.size_before = size_before;
        head.before_size = got > 0 ? (uint32_t)got : 0;
        head.size = from ? (uint32_t)piece : 0;
        const struct iovec pieces[] = {{&head, sizeof head},
                                       {before, head.before_size},
                                       {from ? (char*)from + done : NULL, head.size}};
        put(pieces, 3);
        done += piece;
    }
}

// Whether so many bytes may be written; if not, errno says why.
static int is_refused(size_t size) {
    int reason = (int)control->write_errno;
    if (!reason && control->space_left >= 0) {
        if (control->space_left < (int64_t)size)
            reason = ENOSPC;
        else
            control->space_left -= (int64_t)size;
    }
    if (!reason) return 0;
    control->refused++;
    errno = reason;
    return 1;
}

static ssize_t write_at(int fd, const void* from, size_t size, int64_t offset) {
    lock();
    if (is_refused(size)) {
        unlock();
        return -1;
    }
    note_bytes(WRITTEN, fd, from, size, offset);
    const ssize_t done = syscall(SYS_pwrite64, fd, from, size, offset);
    unlock();
    return done;
}

ssize_t pwrite64(int fd, const void* from, size_t size, off64_t offset) {
    if (file(fd)) return write_at(fd, from, size, offset);
    return syscall(SYS_pwrite64, fd, from, size, offset);
}
ssize_t pwrite(int fd, const void* from, size_t size, off_t offset) {
    return pwrite64(fd, from, size, offset);
}

ssize_t write(int fd, const void* from, size_t size) {
    if (!file(fd)) return syscall(SYS_write, fd, from, size);
    const int64_t offset = syscall(SYS_lseek, fd, 0, SEEK_CUR);
    const ssize_t done = write_at(fd, from, size, offset);
    if (done > 0) syscall(SYS_lseek, fd, offset + done, SEEK_SET);
    return done;
}

// None of these is expected on our files: better an end than a loss that nobody wrote down.
ssize_t writev(int fd, const struct iovec* from, int count) {
    if (file(fd)) _exit(98);
    return syscall(SYS_writev, fd, from, count);
}
int posix_fallocate(int fd, off_t offset, off_t size) {
    if (file(fd)) _exit(98);
    return syscall(SYS_fallocate, fd, 0, offset, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
    return posix_fallocate(fd, offset, size);
}

int ftruncate64(int fd, off64_t size) {
    if (!file(fd)) return (int)syscall(SYS_ftruncate, fd, size);
    lock();
    const int64_t before = size_of(fd);
    if (size < before) note_bytes(CUT, fd, NULL, (size_t)(before - size), size);
    note(TRUNCATED, file(fd), size, before, NULL, NULL);
    const int done = (int)syscall(SYS_ftruncate, fd, size);
    unlock();
    return done;
}
int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

int fsync(int fd) {
    const uint32_t of = file(fd);
    if (!of) return (int)syscall(SYS_fsync, fd);
    lock();
    const uint64_t through = records;
    const int fails = control->fsyncs_left == 0;
    if (control->fsyncs_left >= 0) control->fsyncs_left--;
    unlock();
    // The kernel keeps what a killed process wrote; the disk's time is only waited for.
    const struct timespec time = {0, FSYNC_NS};
    syscall(SYS_nanosleep, &time, NULL);
    if (fails) {
        errno = EIO;
        return -1;
    }
    lock();
    if (!control->fsync_is_a_lie)
        note(is_folder[fd] ? FOLDER_SYNCED : SYNCED, of, (int64_t)through, 0, NULL, NULL);
    unlock();
    return 0;
}
int fdatasync(int fd) {
    return fsync(fd);
}

static int open_it(int folder, const char* path, int flags, mode_t mode) {
    if (folder != AT_FDCWD || !is_ours(path))
        return (int)syscall(SYS_openat, folder, path, flags, mode);
    lock();
    struct stat facts;
    const int is_new = syscall(SYS_newfstatat, AT_FDCWD, path, &facts, 0) != 0;
    if (is_new && (flags & O_CREAT) && is_refused(1)) {
        unlock();
        return -1;
    }
    const int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (fd >= DESCRIPTORS) _exit(98);
    if (fd >= 0) {
        file_of[fd] = ++files;
        syscall(SYS_fstat, fd, &facts);
        is_folder[fd] = S_ISDIR(facts.st_mode);
        inode_of[fd] = facts.st_ino;
        note(is_new ? CREATED : OPENED, files, 0, facts.st_size, path, NULL);
    }
    if (fd >= 0 && (flags & O_TRUNC) && !is_new) _exit(98);
    unlock();
    return fd;
}
static mode_t mode_of(int flags, va_list rest) {
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(rest, int) : 0;
}
#define OPEN(name, ...) int name(__VA_ARGS__ const char* path, int flags, ...)
#define MODE                                  \
    va_list rest;                             \
    va_start(rest, flags);                    \
    const mode_t mode = mode_of(flags, rest); \
    va_end(rest);
OPEN(open, ) {
    MODE return open_it(AT_FDCWD, path, flags, mode);
}
OPEN(open64, ) {
    MODE return open_it(AT_FDCWD, path, flags, mode);
}
OPEN(openat, int folder, ) {
    MODE return open_it(folder, path, flags, mode);
}
OPEN(openat64, int folder, ) {
    MODE return open_it(folder, path, flags, mode);
}

int close(int fd) {
    if (fd >= 0 && fd < DESCRIPTORS) file_of[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

// Under the number of the record that tells why.
static void keep(const char* path) {
    char name[32];
    unsigned at = sizeof name - 1;
    name[at] = 0;
    for (uint64_t left = records; at == sizeof name - 1 || left; left /= 10)
        name[--at] = (char)('0' + left % 10);
    syscall(SYS_linkat, AT_FDCWD, path, keep_fd, name + at, 0);
}

// A change of names: `kind`, and the system call that makes it.
static int rename_it(uint32_t kind, long call, const char* from, const char* to) {
    if (!is_ours(from) && !(to && is_ours(to))) return (int)syscall(call, from, to);
    lock();
    if (kind != UNLINKED && is_refused(1)) {
        unlock();
        return -1;
    }
    // Written down first: should the process end between the two, it was not acknowledged. What
    // loses its name here keeps another one, so that it can come back.
    note(kind, 0, 0, 0, from, to);
    if (kind == UNLINKED) keep(from);
    if (kind == RENAMED) keep(to);
    const int done = (int)syscall(call, from, to);
    if (done != 0) {
        const int reason = errno;
        note(kind + 100, 0, 0, 0, NULL, NULL);  // it did not happen
        errno = reason;
    }
    unlock();
    return done;
}
int rename(const char* from, const char* to) {
    return rename_it(RENAMED, SYS_rename, from, to);
}
int link(const char* from, const char* to) {
    return rename_it(LINKED, SYS_link, from, to);
}
int unlink(const char* path) {
    return rename_it(UNLINKED, SYS_unlink, path, NULL);
}
int mkdir(const char* path, mode_t mode) {
    if (!is_ours(path)) return (int)syscall(SYS_mkdir, path, mode);
    lock();
    int done = -1;
    if (!is_refused(1)) done = (int)syscall(SYS_mkdir, path, mode);
    if (done == 0) note(MADE_FOLDER, 0, 0, 0, path, NULL);
    unlock();
    return done;
}
