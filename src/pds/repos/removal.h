// Removes repositories that belong to nobody: those of deleted accounts, those that an import
// replaced, and what an import left that did not come to its end. Nobody sees them any more, so
// there is no hurry: some rows a transaction, and what a crash interrupts goes on afterwards.
//
// Imports on their way belong to nobody either, and say so (Guard): there is one process to a
// database (db/directory_lock.h), so what nobody guards is nobody's. Any thread.
#pragma once

#include <atomic>
#include <list>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/repo_id.h"

namespace roost::pds {

class RepoRemoval {
  public:
    explicit RepoRemoval(db::Database& database) : db_(database) {}
    RepoRemoval(const RepoRemoval&) = delete;
    RepoRemoval& operator=(const RepoRemoval&) = delete;

    // Keeps a repository. Made before its row is: until it is told which one it is, it keeps all.
    class Guard {
      public:
        explicit Guard(RepoRemoval& owner);
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard();
        void keep(RepoId repo);

      private:
        RepoRemoval& owner_;
        std::list<std::optional<RepoId>>::iterator place_;
    };

    // One turn: all that is there to be removed. Two turns never overlap.
    Task<Result<void>> run();
    // A turn comes to an end.
    void stop() { is_stopping_ = true; }

  private:
    bool is_guarded(RepoId repo) const;

    db::Database& db_;
    mutable std::mutex mutex_;
    std::list<std::optional<RepoId>> guarded_;
    std::atomic<bool> is_stopping_ = false;
};

}  // namespace roost::pds
