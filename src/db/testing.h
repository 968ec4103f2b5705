// What the tests of this room share: a folder that goes away, a database with a small schema, and
// many tasks at once.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <semaphore>
#include <string>
#include <vector>

#include "base/run_loop.h"
#include "db/sqlite_database.h"

namespace roost::db::testing {

class TempFolder {
  public:
    TempFolder() {
        std::string name = ::testing::TempDir() + "roost_db_XXXXXX";
        check(mkdtemp(name.data()) != nullptr, "a temporary folder can be made");
        path_ = name;
    }
    ~TempFolder() { std::filesystem::remove_all(path_); }
    TempFolder(const TempFolder&) = delete;
    const std::string& path() const { return path_; }
    std::string file() const { return path_ + "/test.sqlite"; }

  private:
    std::string path_;
};

inline constexpr std::array<Migration, 1> note_schema = {{
    {1, "notes", "a1",
     "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"
     "CREATE TABLE reply (note INTEGER NOT NULL REFERENCES note DEFERRABLE INITIALLY DEFERRED)"
     " STRICT;"
     "CREATE TABLE bulk (bytes BLOB NOT NULL) STRICT"},
}};

inline std::unique_ptr<Database> open_notes(const TempFolder& folder, Internals internals = {},
                                            bool checkpoints = true) {
    internals.migrations = note_schema;
    Options options;
    options.path = folder.file();
    options.checkpoints = checkpoints;
    auto database = SqliteDatabase::open(options, internals);
    if (!database) {
        ADD_FAILURE() << database.error().message;
        return nullptr;
    }
    return std::move(*database);
}

inline Result<void> add_note(Transaction& t, std::string_view text) {
    t.execute("INSERT INTO note (text) VALUES ($1)", text);
    return {};
}

inline std::int64_t count_notes(Transaction& t) {
    Rows rows = t.select("SELECT count(*) FROM note");
    rows.next();
    return rows.integer(0);
}

inline std::int64_t count_notes(RunLoop& loop, Database& database) {
    return loop.run(database.read([](Transaction& t) { return count_notes(t); }));
}

inline Task<void> count_down(Task<void> task, std::size_t& open) {
    co_await std::move(task);
    --open;
}
inline Task<void> until_zero(const std::size_t& open) {
    while (open > 0)
        co_await sleep_ms(1);
}
// Starts all of them in this order, then waits for them.
inline void run_all(RunLoop& loop, std::vector<Task<void>> tasks) {
    std::size_t open = tasks.size();
    for (Task<void>& task : tasks)
        start_detached(count_down(std::move(task), open));
    loop.run(until_zero(open));
}

// Keeps the writer busy until the semaphore is released, so that what is queued meanwhile makes one
// batch.
inline Task<void> hold_writer(Database& db, std::binary_semaphore& started,
                              std::binary_semaphore& release) {
    (void)co_await db.write([&](Transaction&) -> Result<void> {
        started.release();
        release.acquire();
        return {};
    });
}

class Together {
  public:
    Together(RunLoop& loop, Database& db) : loop_(loop) {
        start_detached(count_down(hold_writer(db, started_, release_), open_));
        started_.acquire();
    }
    void add(Task<void> task) {
        ++open_;
        start_detached(count_down(std::move(task), open_));
    }
    void run() {
        release_.release();
        loop_.run(until_zero(open_));
    }

  private:
    RunLoop& loop_;
    std::binary_semaphore started_{0};
    std::binary_semaphore release_{0};
    std::size_t open_ = 1;
};

}  // namespace roost::db::testing
