// The Database on one SQLite file: the folder's lock, the writer thread, the checkpointer, and a
// read connection for each thread that reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "db/checkpointer.h"
#include "db/connection.h"
#include "db/database.h"
#include "db/directory_lock.h"
#include "db/group_commit.h"
#include "db/migrate.h"
#include "db/reader.h"

namespace roost::db {

// The connections of snapshots. Snapshots share it, so it ends with the last of them.
struct SnapshotPool {
    std::mutex mutex;
    std::vector<std::unique_ptr<Connection>> spare;
    std::size_t open = 0;
    bool is_closed = false;  // the database has ended: nothing is kept for a next one
};

// What tests put in place of the real thing.
struct Internals {
    std::span<const Migration> migrations = compiled_migrations();
    const char* vfs = nullptr;
    std::int64_t page_count_max = 0;
};

class SqliteDatabase final : public Database {
  public:
    static Result<std::unique_ptr<Database>> open(const Options& options,
                                                  const Internals& internals);

    ~SqliteDatabase() override;

    Result<std::unique_ptr<Snapshot>> open_snapshot() override;
    Task<Result<void>> check_writable() override;
    Stats stats() const override;
    const RowVersions& row_versions() const override { return row_versions_; }

  private:
    SqliteDatabase(const Options& options, const Internals& internals, DirectoryLock lock);
    Result<void> start(const Internals& internals);

    Result<void> submit(std::shared_ptr<Write> write) override;
    void with_snapshot(const std::function<void(Transaction&)>& body) override;
    Reader& reader();
    void note_change(std::string_view table, std::int64_t rowid);
    void publish_changes();
    std::optional<Result<void>> recent_answer();

    Options options_;
    RowVersions row_versions_;
    std::atomic<std::uint64_t> commits_ = 0;
    std::vector<bool> is_changed_;  // by listener, since the last commit; of the writer thread
    ConnectionOptions connection_options_;
    DirectoryLock lock_;

    std::mutex mutex_;  // guards what follows
    std::map<std::thread::id, std::shared_ptr<Reader>> readers_;
    Result<void> writable_;
    std::int64_t writable_at_us_ = 0;  // monotonic; 0: never asked

    const std::shared_ptr<SnapshotPool> snapshots_ = std::make_shared<SnapshotPool>();

    std::unique_ptr<Connection> writer_;
    Checkpointer checkpointer_;
    std::unique_ptr<GroupCommit> group_commit_;
};

}  // namespace roost::db
