// The writer thread: takes the writes that wait, runs them in one transaction, commits, and posts
// each back to its executor. A lone write does not wait for company; company comes by itself while
// a COMMIT waits for the disk.
//
// A body that refuses has rarely changed anything, so bodies run without a SAVEPOINT, for which
// SQLite copies every page that is touched. When one has changes to be undone, the batch begins
// again with a SAVEPOINT around each.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "db/connection.h"
#include "db/write.h"

namespace roost::db {

class GroupCommit {
  public:
    using WritePtr = std::shared_ptr<Write>;

    // The connection is this thread's from now on. after_batch runs there between transactions.
    GroupCommit(Connection& connection, std::function<void()> after_batch);
    ~GroupCommit();  // settles the writes that wait
    GroupCommit(const GroupCommit&) = delete;
    GroupCommit& operator=(const GroupCommit&) = delete;

    // Any thread. Refused with unavailable when too many writes wait.
    Result<void> submit(WritePtr write);

    std::int64_t writes_total() const { return writes_total_; }
    std::int64_t batches_total() const { return batches_total_; }
    std::int64_t queue_length() const;

  private:
    // How one transaction around some writes ended.
    struct End {
        std::optional<Failure> failure;      // of the whole: nothing is kept
        std::optional<std::size_t> lost_at;  // the write that destroyed the transaction
        bool needs_savepoints = false;       // nothing is kept: one write of them is to be undone
    };
    enum class Savepoints { none, around_each };

    void serve();
    std::vector<WritePtr> take();
    void settle(std::span<Write* const> writes);
    End run_together(std::span<Write* const> writes, Savepoints savepoints);
    static void deliver(std::vector<WritePtr> writes);

    Connection& connection_;
    std::function<void()> after_batch_;
    std::atomic<std::int64_t> writes_total_ = 0;
    std::atomic<std::int64_t> batches_total_ = 0;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable wake_;
    std::deque<WritePtr> waiting_;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace roost::db
