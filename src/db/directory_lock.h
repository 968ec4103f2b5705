// The lock that keeps two processes off one data folder: an flock on roost.lock in it, which the
// kernel lets go of when the process ends, however it ends. The file names the holder's pid.
#pragma once

#include <string>

#include "base/result.h"

namespace roost::db {

class DirectoryLock {
  public:
    // Refused while another process (or another Database of this one) holds the folder.
    static Result<DirectoryLock> take(const std::string& folder);

    DirectoryLock(DirectoryLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;
    ~DirectoryLock();

  private:
    explicit DirectoryLock(int file) : file_(file) {}
    int file_;
};

}  // namespace roost::db
