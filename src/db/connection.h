// One connection to the SQLite file, with its prepared statements. Used by one thread at a time; it
// is the Transaction that bodies see.
//
// Every failed fsync is noticed here, whichever statement or checkpoint met it, and ends the
// process: SQLite would report the loss once, and the kernel may report success the next time.
// https://www.sqlite.org/wal.html
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "db/failure.h"
#include "db/transaction.h"

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_value;

namespace roost::db {

class Connection;

// A prepared statement of a connection.
class Statement {
  public:
    Statement(Connection& connection, Sql sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    enum class Lifetime { of_this_call, of_the_rows };
    // Binds and marks the statement as running, until finish(). Values that must last as long as
    // the rows are copied.
    void begin(std::span<const Parameter> parameters, Lifetime lifetime);
    bool step();
    void finish();

    // Of the row that step() has found. The second throws unless it is of this SQLite type.
    sqlite3_value* value(int column) const;
    sqlite3_value* value(int column, int type) const;

  private:
    void bind(int position, const Parameter& parameter, Lifetime lifetime);

    Connection& connection_;
    Sql sql_;
    sqlite3_stmt* statement_ = nullptr;
    std::vector<std::uint8_t> numbers_;  // of each bound position, the n of its $n, from 0
    std::size_t parameters_ = 0;         // the highest n
    int columns_ = 0;
    bool running_ = false;
};

struct ConnectionOptions {
    enum class Role { writer, reader, checkpointer };

    std::string path;
    Role role = Role::writer;
    std::int64_t busy_timeout_ms = 5'000;
    const char* vfs = nullptr;        // SQLite's own, gathering what it is to write
    std::int64_t page_count_max = 0;  // 0: no bound; tests of a full disk set one
};

class Connection final : public Transaction {
  public:
    // Throws Failure. The writer creates the file and makes it a WAL database.
    explicit Connection(const ConnectionOptions& options);
    ~Connection() override;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void begin_write() { execute("BEGIN IMMEDIATE"); }
    void begin_read() { execute("BEGIN"); }
    void commit();
    void rollback() noexcept;  // whatever is open
    bool in_transaction() const;
    void check_idle() const;  // that no rows are open
    // Rows that statements of this connection have changed, ever; also those that were undone.
    std::int64_t changes_total() const;

    // SQL that is not a literal: migrations and pragmas. May be many statements.
    void run_script(const std::string& sql);

    enum class Checkpoint { passive, restart, truncate };
    struct CheckpointResult {
        bool busy = false;       // a reader or another checkpoint was in the way
        std::int64_t pages = 0;  // in the log
        std::int64_t moved = 0;  // of them, in the file
    };
    // Waits this long for readers and other checkpoints (passive: not at all).
    CheckpointResult checkpoint(Checkpoint mode, std::int64_t wait_ms);
    // Calls back after each commit of this connection with the number of pages in the log.
    void on_commit(std::function<void(std::uint32_t pages)> callback);

    // Calls back for each row of a rowid table that this connection inserts, changes or deletes,
    // before the commit; rows of a transaction that is undone later are told too.
    void on_row_change(std::function<void(std::string_view table, std::int64_t rowid)> callback);

    // Throws the Failure that an SQLite result code stands for. `what` is SQL or a step.
    [[noreturn]] void raise(int code, std::string_view what);

  private:
    friend class Statement;

    Rows start(Sql sql, std::span<const Parameter> parameters) override;
    std::int64_t run(Sql sql, std::span<const Parameter> parameters) override;
    Statement& prepared(Sql sql);
    void set_up(const ConnectionOptions& options);

    sqlite3* handle_ = nullptr;
    std::int64_t busy_timeout_ms_;
    int running_ = 0;  // statements with open Rows
    std::unordered_map<const char*, std::unique_ptr<Statement>> statements_;
    std::function<void(std::uint32_t)> commit_callback_;
    std::function<void(std::string_view, std::int64_t)> row_callback_;
};

}  // namespace roost::db
