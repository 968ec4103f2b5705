#include "db/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace roost::db {

namespace {

std::string holder_of(int file) {
    std::array<char, 32> text{};
    const ssize_t size = pread(file, text.data(), text.size() - 1, 0);
    std::string pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    pid.resize(std::min(pid.find('\n'), pid.size()));
    return pid.empty() ? "unknown" : pid;
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::string& folder) {
    const std::string path = folder + "/roost.lock";
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return Error{Fault::internal, "FolderNotUsable",
                     "cannot open " + path + ": " + std::strerror(errno)};
    DirectoryLock lock(file);
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return Error{Fault::internal, "FolderNotUsable",
                         "cannot lock " + path + ": " + std::strerror(errno)};
        return Error{Fault::unavailable, "FolderInUse",
                     "the folder " + folder + " is in use by the process with pid " +
                         holder_of(file) + "; stop it first"};
    }
    // Only for the message above: the lock holds also when the disk is too full to say whose it is.
    const std::string pid = std::to_string(getpid()) + "\n";
    const bool named = ftruncate(file, 0) == 0 &&
                       pwrite(file, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
    static_cast<void>(named);
    return lock;
}

DirectoryLock::~DirectoryLock() {
    if (file_ >= 0) close(file_);
}

}  // namespace roost::db
