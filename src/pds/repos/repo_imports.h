// Takes in whole repositories: an account brings the one that another server exported, or one of
// its own from before, and it takes the place of the one that it has.
//
// The file is spooled to the disk while it arrives and its blocks are checked, then read in the
// order of the tree, checked again, and stored piece by piece as a repository that belongs to
// nobody, so that other writes are not held up. One last transaction signs a new commit over the
// imported tree and gives it to the account, if no other write came meanwhile. Until then nothing
// is seen of it, and what fails is removed by RepoRemoval.
//
// Any event loop's thread. https://atproto.com/guides/account-migration
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <utility>

#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "net/http.h"
#include "pds/account.h"
#include "pds/blobs/file_pool.h"
#include "pds/repos/removal.h"
#include "pds/repos/repo_store.h"
#include "pds/repos/repos.h"
#include "pds/repos/signing_keys.h"
#include "pds/repos/tid_clock.h"

namespace roost::pds {

enum class Imports { refused, accepted };

struct ImportOptions {
    Imports imports = Imports::accepted;
    std::int64_t bytes_max;        // of a file
    std::int64_t free_bytes_min;   // what a file leaves free on the disk
    std::filesystem::path folder;  // of the files on their way
};

class RepoImports {
  public:
    RepoImports(db::Database& database, FilePool& pool, Repos& repos, RepoRemoval& removal,
                FindSigningKey find_key, ImportOptions options)
        : db_(database),
          pool_(pool),
          repos_(repos),
          removal_(removal),
          find_key_(std::move(find_key)),
          options_(std::move(options)) {}
    RepoImports(const RepoImports&) = delete;
    RepoImports& operator=(const RepoImports&) = delete;

    // The body is a CAR file. Durable when it returns, and so is the event, if the account is
    // active. Errors: Fault::invalid "InvalidRequest", with what is wrong in the file;
    // "InvalidSwap", if the repository was written to meanwhile; "RepoNotFound";
    // Fault::payload_too_large; Fault::unavailable, if there are too many at once;
    // Fault::insufficient_storage.
    Task<Result<void>> run(Account account, net::Body& body);

  private:
    struct Arrival;
    class Held;
    class Slot;
    // What the switch needs: the account, what it has, and what it gets.
    struct Switch {
        Account account;
        repo_store::StoredRepo from;
        RepoId to;
        repo_store::Head head;
        atproto::Cid data;
        std::int64_t record_count;
    };

    Result<std::unique_ptr<Slot>> begin(std::int64_t account_id);
    Task<Result<void>> receive(std::shared_ptr<Arrival> arrival, net::Body& body);
    Task<Result<std::int64_t>> store(std::shared_ptr<Arrival> arrival, RepoId repo,
                                     std::uint64_t rev);
    Task<Result<void>> take_over(const Account& account, std::shared_ptr<Arrival> arrival,
                                 repo_store::StoredRepo from);
    static Result<void> switch_over(db::Transaction& t, const Switch& change, Timestamp now);

    db::Database& db_;
    FilePool& pool_;
    Repos& repos_;
    RepoRemoval& removal_;
    const FindSigningKey find_key_;
    const ImportOptions options_;
    TidClock clock_;

    std::mutex mutex_;
    std::unordered_set<std::int64_t> importing_;  // accounts
};

}  // namespace roost::pds
