#include "db/sqlite_database.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/log.h"
#include "db/limits.h"

namespace roost::db {

namespace {

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// SQLite gives the log the permissions of the file, so it is made here, for the owner only.
Result<void> create_file(const std::string& path, const std::string& folder) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return Error{Fault::internal, "DatabaseNotUsable",
                     "cannot open " + path + ": " + std::strerror(errno)};
    close(file);
    const int directory = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = directory >= 0 && fsync(directory) == 0;
    const int error = errno;
    if (directory >= 0) close(directory);
    if (!synced)
        return Error{Fault::internal, "DatabaseNotUsable",
                     "cannot sync the folder " + folder + ": " + std::strerror(error)};
    return {};
}

Error open_error(const std::string& path, const Failure& failure) {
    if (failure.kind() == Failure::Kind::corrupt)
        return {Fault::internal, "DatabaseNotUsable",
                path + " is damaged or not a database (" + failure.what() +
                    "); restore it from a backup or name another path"};
    if (failure.kind() == Failure::Kind::disk_full)
        return {Fault::insufficient_storage, "InsufficientStorage",
                "the disk is full, cannot open " + path + ": " + failure.what()};
    return {Fault::internal, "DatabaseNotUsable", "cannot open " + path + ": " + failure.what()};
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
    return SqliteDatabase::open(options, Internals{});
}

Result<std::unique_ptr<Database>> SqliteDatabase::open(const Options& options,
                                                       const Internals& internals) {
    const std::string folder = folder_of(options.path);
    DirectoryLock lock = TRY(DirectoryLock::take(folder));
    TRY(create_file(options.path, folder));
    std::unique_ptr<SqliteDatabase> database(
        new SqliteDatabase(options, internals, std::move(lock)));
    try {
        TRY(database->start(internals));
    } catch (const Failure& failure) {
        return open_error(options.path, failure);
    }
    return database;
}

SqliteDatabase::SqliteDatabase(const Options& options, const Internals& internals,
                               DirectoryLock lock)
    : options_(options),
      row_versions_(options.watched_tables),
      is_changed_(options.listeners.size(), false),
      lock_(std::move(lock)) {
    connection_options_.path = options.path;
    connection_options_.busy_timeout_ms = options.busy_timeout_ms;
    connection_options_.vfs = internals.vfs;
    connection_options_.page_count_max = internals.page_count_max;
}

// The writer's connection closes last: that moves the rest of the log into the file.
SqliteDatabase::~SqliteDatabase() {
    group_commit_.reset();
    checkpointer_.stop();
    {
        const std::lock_guard lock(snapshots_->mutex);
        snapshots_->is_closed = true;
        snapshots_->spare.clear();
    }
    readers_.clear();
}

Result<void> SqliteDatabase::start(const Internals& internals) {
    writer_ = std::make_unique<Connection>(connection_options_);
    TRY(migrate(*writer_, internals.migrations));
    // The checkpointer must know what is in the log: it starts with an empty one.
    const auto emptied =
        writer_->checkpoint(Connection::Checkpoint::truncate, options_.busy_timeout_ms);
    if (emptied.busy)
        return Error::unavailable("another program is using " + options_.path + "; stop it first",
                                  1);
    writer_->on_row_change(
        [this](std::string_view table, std::int64_t rowid) { note_change(table, rowid); });
    writer_->on_commit([this](std::uint32_t pages) {
        // First: who is told of a change must not read what was before it.
        commits_.fetch_add(1, std::memory_order_release);
        publish_changes();
        checkpointer_.committed(pages);
    });
    if (options_.checkpoints) {
        ConnectionOptions options = connection_options_;
        options.role = ConnectionOptions::Role::checkpointer;
        checkpointer_.start(options);
    }
    group_commit_ =
        std::make_unique<GroupCommit>(*writer_, [this] { checkpointer_.bound_log(*writer_); });
    return {};
}

// Also of changes that are undone in the end: nobody is harmed by looking once too often.
void SqliteDatabase::note_change(std::string_view table, std::int64_t rowid) {
    row_versions_.note(table, rowid);
    for (std::size_t i = 0; i < is_changed_.size(); ++i)
        if (options_.listeners[i].table == table) is_changed_[i] = true;
}

void SqliteDatabase::publish_changes() {
    row_versions_.publish();
    for (std::size_t i = 0; i < is_changed_.size(); ++i) {
        if (!is_changed_[i]) continue;
        is_changed_[i] = false;
        options_.listeners[i].on_change();
    }
}

Result<void> SqliteDatabase::submit(std::shared_ptr<Write> write) {
    return group_commit_->submit(std::move(write));
}

Reader& SqliteDatabase::reader() {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Reader>& reader = readers_[std::this_thread::get_id()];
    if (reader == nullptr) {
        check(readers_.size() <= limits::reading_threads_max, "few threads read the database");
        ConnectionOptions options = connection_options_;
        options.role = ConnectionOptions::Role::reader;
        reader = std::make_shared<Reader>(options, commits_);
    }
    return *reader;
}

void SqliteDatabase::with_snapshot(const std::function<void(Transaction&)>& body) {
    reader().read(body);
}

class SqliteSnapshot final : public Snapshot {
  public:
    // Counted as open by who makes it.
    explicit SqliteSnapshot(std::shared_ptr<SnapshotPool> pool) : pool_(std::move(pool)) {}
    ~SqliteSnapshot() override {
        if (connection_) connection_->rollback();
        const std::lock_guard lock(pool_->mutex);
        --pool_->open;
        if (connection_ && !pool_->is_closed && pool_->spare.size() < limits::spare_readers_max)
            pool_->spare.push_back(std::move(connection_));
    }
    void begin(const ConnectionOptions& options, std::unique_ptr<Connection> spare) {
        connection_ = spare ? std::move(spare) : std::make_unique<Connection>(options);
        connection_->begin_read();
    }
    Transaction& transaction() override { return *connection_; }

  private:
    const std::shared_ptr<SnapshotPool> pool_;
    std::unique_ptr<Connection> connection_;
};

Result<std::unique_ptr<Snapshot>> SqliteDatabase::open_snapshot() {
    std::unique_ptr<Connection> spare;
    {
        const std::lock_guard lock(snapshots_->mutex);
        if (snapshots_->open >= limits::snapshots_max)
            return Error::unavailable("too many long reads at once", 5);
        ++snapshots_->open;
        if (!snapshots_->spare.empty()) {
            spare = std::move(snapshots_->spare.back());
            snapshots_->spare.pop_back();
        }
    }
    auto snapshot = std::make_unique<SqliteSnapshot>(snapshots_);
    ConnectionOptions options = connection_options_;
    options.role = ConnectionOptions::Role::reader;
    snapshot->begin(options, std::move(spare));
    return snapshot;
}

std::optional<Result<void>> SqliteDatabase::recent_answer() {
    const std::lock_guard lock(mutex_);
    if (writable_at_us_ == 0) return {};
    if (monotonic_us() - writable_at_us_ >= limits::writable_answer_ms * 1'000) return {};
    return writable_;
}

Task<Result<void>> SqliteDatabase::check_writable() {
    if (std::optional<Result<void>> recent = recent_answer()) co_return *recent;
    Result<void> answer;
    try {
        answer = co_await write([](Transaction& t) -> Result<void> {
            t.execute(
                "INSERT INTO write_probe (id, tried_at) VALUES (1, $1)"
                " ON CONFLICT (id) DO UPDATE SET tried_at = excluded.tried_at",
                monotonic_us());
            return {};
        });
    } catch (const Failure& failure) {
        answer = Error::unavailable(std::string("the database cannot write: ") + failure.what(), 1);
    }
    const std::lock_guard lock(mutex_);
    writable_ = answer;
    writable_at_us_ = monotonic_us();
    co_return answer;
}

Stats SqliteDatabase::stats() const {
    return {group_commit_->writes_total(), group_commit_->batches_total(),
            group_commit_->queue_length()};
}

}  // namespace roost::db
