#include "db/connection.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "base/failed_fsync.h"
#include "db/gathered_writes.h"
#include "db/limits.h"

namespace roost::db {

namespace {

Failure::Kind kind_of(int code, int system_error) {
    switch (code & 0xff) {
        case SQLITE_FULL:
            return Failure::Kind::disk_full;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
            if (system_error == ENOSPC || system_error == EDQUOT) return Failure::Kind::disk_full;
            return Failure::Kind::io_error;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return Failure::Kind::corrupt;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Failure::Kind::busy;
        case SQLITE_CONSTRAINT:
            return Failure::Kind::constraint;
        default:
            return Failure::Kind::other;
    }
}

// Once per process, before SQLite's first use; later it is refused, which only costs some speed.
void configure_library() {
    static const int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    static_cast<void>(code);
}

// For the process: SQLite knows it by its name.
const char* vfs_name(const ConnectionOptions& options) {
    static const GatheredWrites gathered(nullptr);
    const bool only_reads = options.role == ConnectionOptions::Role::reader;
    return options.vfs != nullptr || only_reads ? options.vfs : gathered.name();
}

}  // namespace

Connection::Connection(const ConnectionOptions& options)
    : busy_timeout_ms_(options.busy_timeout_ms) {
    configure_library();
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (options.role == ConnectionOptions::Role::writer ? SQLITE_OPEN_CREATE : 0);
    try {
        const int code = sqlite3_open_v2(options.path.c_str(), &handle_, flags, vfs_name(options));
        if (code != SQLITE_OK) raise(code, "open " + options.path);
        set_up(options);
    } catch (...) {
        statements_.clear();
        sqlite3_close(handle_);
        throw;
    }
}

Connection::~Connection() {
    statements_.clear();
    const int code = sqlite3_close(handle_);
    check(code == SQLITE_OK, "a connection is closed after its statements");
}

void Connection::set_up(const ConnectionOptions& options) {
    const bool is_writer = options.role == ConnectionOptions::Role::writer;
    sqlite3_busy_timeout(handle_, static_cast<int>(busy_timeout_ms_));
    if (is_writer) {
        run_script("PRAGMA page_size=" + std::to_string(limits::page_bytes));
        Rows mode = select("PRAGMA journal_mode=WAL");
        if (!mode.next() || mode.text(0) != "wal")
            throw Failure(Failure::Kind::io_error,
                          "this file system cannot hold a write-ahead log: " + options.path);
    }
    run_script(
        "PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST; PRAGMA wal_autocheckpoint=0;"
        "PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF");
    run_script("PRAGMA journal_size_limit=" + std::to_string(limits::log_bytes_kept));
    run_script("PRAGMA mmap_size=" + std::to_string(is_writer ? limits::mapped_bytes_max : 0));
    run_script("PRAGMA cache_size=-" +
               std::to_string(is_writer ? limits::writer_cache_kib : limits::reader_cache_kib));
    if (options.page_count_max > 0)
        run_script("PRAGMA max_page_count=" + std::to_string(options.page_count_max));
    if (options.role == ConnectionOptions::Role::reader) run_script("PRAGMA query_only=ON");
}

void Connection::commit() {
    check_idle();
    execute("COMMIT");
}

void Connection::check_idle() const {
    check(running_ == 0, "no rows outlive their transaction");
}

void Connection::rollback() noexcept {
    if (!in_transaction()) return;
    // SQLite leaves the transaction also when ROLLBACK reports an error.
    sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    check(!in_transaction(), "ROLLBACK ends the transaction");
}

bool Connection::in_transaction() const {
    return sqlite3_get_autocommit(handle_) == 0;
}

std::int64_t Connection::changes_total() const {
    return sqlite3_total_changes64(handle_);
}

void Connection::run_script(const std::string& sql) {
    const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) raise(code, sql.substr(0, 200));
}

Connection::CheckpointResult Connection::checkpoint(Checkpoint mode, std::int64_t wait_ms) {
    const int how = mode == Checkpoint::passive   ? SQLITE_CHECKPOINT_PASSIVE
                    : mode == Checkpoint::restart ? SQLITE_CHECKPOINT_RESTART
                                                  : SQLITE_CHECKPOINT_TRUNCATE;
    int pages = 0;
    int moved = 0;
    sqlite3_busy_timeout(handle_, static_cast<int>(wait_ms));
    const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, how, &pages, &moved);
    sqlite3_busy_timeout(handle_, static_cast<int>(busy_timeout_ms_));
    const bool busy = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
    if (code != SQLITE_OK && !busy) raise(code, "checkpoint");
    return {busy, pages, moved};
}

void Connection::on_commit(std::function<void(std::uint32_t)> callback) {
    commit_callback_ = std::move(callback);
    const auto call = [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Connection*>(self)->commit_callback_(static_cast<std::uint32_t>(pages));
        return SQLITE_OK;
    };
    sqlite3_wal_hook(handle_, call, this);
}

void Connection::on_row_change(std::function<void(std::string_view, std::int64_t)> callback) {
    row_callback_ = std::move(callback);
    const auto call = [](void* self, int, const char*, const char* table, sqlite3_int64 rowid) {
        static_cast<Connection*>(self)->row_callback_(table, rowid);
    };
    sqlite3_update_hook(handle_, call, this);
}

void Connection::raise(int code, std::string_view what) {
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) end_after_failed_fsync(what);
    const int system_error = handle_ != nullptr ? sqlite3_system_errno(handle_) : 0;
    std::string message = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
    message += " (";
    message += std::to_string(code);
    message += "), in: ";
    message += what;
    throw Failure(kind_of(code, system_error), std::move(message));
}

Rows Connection::start(Sql sql, std::span<const Parameter> parameters) {
    Statement& statement = prepared(sql);
    statement.begin(parameters, Statement::Lifetime::of_the_rows);
    return Rows(&statement);
}

std::int64_t Connection::run(Sql sql, std::span<const Parameter> parameters) {
    Statement& statement = prepared(sql);
    const std::int64_t before = changes_total();
    statement.begin(parameters, Statement::Lifetime::of_this_call);
    const Rows rows(&statement);
    while (statement.step()) {
    }
    // The changes of the last statement are still those of an earlier one if it changed nothing.
    return changes_total() == before ? 0 : sqlite3_changes64(handle_);
}

Statement& Connection::prepared(Sql sql) {
    std::unique_ptr<Statement>& known = statements_[sql.text()];
    if (known == nullptr) [[unlikely]] {
        try {
            known = std::make_unique<Statement>(*this, sql);
        } catch (...) {
            statements_.erase(sql.text());
            throw;
        }
    }
    return *known;
}

}  // namespace roost::db
