// The one logical database: transactions that stores write straight-line SQL in.
//
//     co_await db.write([=](Transaction& t) -> Result<int> { … });
//
// Writes run on one writer thread, many to a COMMIT (group commit), and yet each for itself: a body
// that returns an error or throws leaves nothing behind and does not disturb its neighbours.
// The awaiting task resumes after the COMMIT is durable, on the Executor it came from. Writes
// commit in the order they were awaited in. Reads run at once on the calling thread, on a
// connection of that thread, in a snapshot.
//
// The body must own what it uses (capture by value or move) and leave it as it was; it must not
// block, suspend, or have effects outside the transaction, because it can be run again if the batch
// fails. A task may be destroyed while it awaits a write: the write may still happen, or not.
//
// A write answers insufficient_storage while the disk is full, and unavailable when too many writes
// wait or another process locks the file. All other SQL errors are exceptions (db/failure.h): the
// world broke, or the SQL is wrong. A failed fsync ends the process.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "base/task.h"
#include "db/row_versions.h"
#include "db/transaction.h"
#include "db/write.h"

namespace roost::db {

// Who wants to know of commits. Called after each commit that may have changed rows of the table,
// durable by then, before anybody who waited for it goes on. On the writer thread: it must be quick
// and must not throw. Now and then it is called without need.
struct TableListener {
    std::string table;
    std::function<void()> on_change;
};

struct Options {
    std::string path;         // the database file; its folder exists
    bool checkpoints = true;  // a thread of its own moves the log into the file
    std::int64_t busy_timeout_ms = 5'000;
    // Rowid tables whose rows have versions, see row_versions(). Named by their place in this list.
    std::vector<std::string> watched_tables = {};
    // What they call must outlive the database.
    std::vector<TableListener> listeners = {};
};

struct Stats {
    std::int64_t writes_total = 0;   // committed
    std::int64_t batches_total = 0;  // commits
    std::int64_t queue_length = 0;
};

// What the database was at one moment, for reads that take longer than one turn of a thread. While
// it lives the log cannot be emptied, so whoever holds one sees to it that it ends. Used by one
// thread at a time. It may outlive the database: a task that nothing ends any more may hold one.
class Snapshot {
  public:
    virtual ~Snapshot() = default;
    virtual Transaction& transaction() = 0;
};

// Any thread. Executors outlive the writes that were awaited on them.
class Database {
  public:
    // Opens or creates the file, applies the migrations that are compiled in, starts the threads.
    // Errors say what to do: the folder is locked by another process, the schema is newer than this
    // program, the file is not a database.
    static Result<std::unique_ptr<Database>> open(const Options& options);
    virtual ~Database() = default;  // waits for queued writes, checkpoints

    template <class F>
        requires std::invocable<F&, Transaction&>
    Task<std::invoke_result_t<F&, Transaction&>> write(F body) {
        auto write = std::make_shared<WriteOf<F>>(std::move(body));
        Result<void> done = co_await Submission(*this, write);
        if (!done) co_return std::move(done).error();
        co_return write->take_answer();
    }

    template <class F>
        requires std::invocable<F&, Transaction&>
    Task<std::invoke_result_t<F&, Transaction&>> read(F body) {
        std::optional<std::invoke_result_t<F&, Transaction&>> answer;
        with_snapshot([&](Transaction& t) { answer.emplace(body(t)); });
        co_return std::move(*answer);
    }

    // Errors: unavailable, if too many are open.
    virtual Result<std::unique_ptr<Snapshot>> open_snapshot() = 0;

    // Refuses with unavailable / insufficient_storage when a write cannot be made durable now.
    // Tries it, at most once a second.
    virtual Task<Result<void>> check_writable() = 0;
    virtual Stats stats() const = 0;
    // For copies of rows that are kept in memory.
    virtual const RowVersions& row_versions() const = 0;

  protected:
    // Queues the write for the writer thread, which posts it to its executor when it is settled.
    // An error: it was not queued.
    virtual Result<void> submit(std::shared_ptr<Write> write) = 0;
    virtual void with_snapshot(const std::function<void(Transaction&)>& body) = 0;

  private:
    // Suspends until the write is settled; throws what its body threw.
    class Submission {
      public:
        Submission(Database& database, std::shared_ptr<Write> write)
            : database_(database), write_(std::move(write)) {}
        Submission(const Submission&) = delete;
        ~Submission() { write_->forget_task(); }

        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> task) {
            check(Executor::is_on_one(), "a write is awaited on the thread of an Executor");
            write_->wait_with(task, Executor::current());
            Result<void> queued = database_.submit(write_);
            if (queued) return true;
            write_->refuse(std::move(queued).error());
            return false;
        }
        Result<void> await_resume() const { return write_->verdict(); }

      private:
        Database& database_;
        std::shared_ptr<Write> write_;
    };
};

}  // namespace roost::db
