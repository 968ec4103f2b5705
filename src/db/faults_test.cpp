// What happens to a database when the disk is full, the disk is broken, the process is killed, or a
// second process comes.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <random>
#include <thread>

#include "db/limits.h"
#include "db/testing.h"
#include "db/testing_vfs.h"

namespace roost::db {
namespace {

using namespace testing;

Task<void> keep_bytes(Database& db, std::int64_t size, std::string& outcome) {
    try {
        Result<void> done = co_await db.write([size](Transaction& t) -> Result<void> {
            t.execute("INSERT INTO bulk (bytes) VALUES (zeroblob($1))", size);
            return {};
        });
        outcome = done ? "ok" : done.error().name;
    } catch (const Failure& failure) {
        outcome = failure.kind() == Failure::Kind::io_error ? "io_error" : failure.what();
    }
}

std::string keep(RunLoop& loop, Database& db, std::int64_t size) {
    std::string outcome;
    loop.run(keep_bytes(db, size, outcome));
    return outcome;
}

TEST(Faults, AFullDiskRefusesWritesAndServesReadsUntilThereIsSpace) {
    TempFolder folder;
    FaultyVfs vfs;
    RunLoop loop;
    Internals internals;
    internals.vfs = vfs.name();
    auto db = open_notes(folder, internals);
    EXPECT_EQ(keep(loop, *db, 10), "ok");
    EXPECT_TRUE(loop.run(db->check_writable()));

    vfs.write_answer = SQLITE_FULL;
    std::vector<std::string> outcomes(20);
    std::vector<Task<void>> tasks;
    for (std::string& outcome : outcomes)
        tasks.push_back(keep_bytes(*db, 10, outcome));
    run_all(loop, std::move(tasks));
    for (const std::string& outcome : outcomes)
        EXPECT_EQ(outcome, "InsufficientStorage");
    EXPECT_EQ(count_notes(loop, *db), 0);
    // The answer from before the disk was full is not repeated for longer than a second.
    std::this_thread::sleep_for(std::chrono::milliseconds(limits::writable_answer_ms + 10));
    auto writable = loop.run(db->check_writable());
    ASSERT_FALSE(writable);
    EXPECT_EQ(writable.error().fault, Fault::insufficient_storage);
    EXPECT_EQ(writable.error().message,
              "disk full; reads go on; writes resume when there is space");

    vfs.write_answer = SQLITE_OK;
    EXPECT_EQ(keep(loop, *db, 10), "ok");
    EXPECT_EQ(loop.run(db->read([](Transaction& t) {
        Rows rows = t.select("SELECT count(*) FROM bulk");
        rows.next();
        return rows.integer(0);
    })),
              2);
    db.reset();
    db = open_notes(folder);
    EXPECT_EQ(keep(loop, *db, 10), "ok");
}

TEST(Faults, AWriteThatIsTooLargeDoesNotTakeItsNeighboursAlong) {
    TempFolder folder;
    RunLoop loop;
    Internals internals;
    internals.page_count_max = 100;
    auto db = open_notes(folder, internals);
    std::array<std::string, 5> outcomes;
    std::vector<Task<void>> tasks;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        tasks.push_back(keep_bytes(*db, i == 2 ? 10'000'000 : 10, outcomes[i]));
    run_all(loop, std::move(tasks));
    EXPECT_EQ(outcomes,
              (std::array<std::string, 5>{"ok", "ok", "InsufficientStorage", "ok", "ok"}));
}

Task<void> count_runs(Database& db, int& runs, std::string& outcome) {
    const Result<void> done = co_await db.write([&runs](Transaction& t) -> Result<void> {
        ++runs;
        return add_note(t, "innocent");
    });
    outcome = done ? "ok" : done.error().name;
}

// The transaction outgrows the page cache, so the disk fails inside the body and SQLite rolls back
// all of it.
Task<void> lose_transaction(Database& db, FaultyVfs& vfs, std::string& outcome) {
    try {
        (void)co_await db.write([&vfs](Transaction& t) -> Result<void> {
            struct Heal {
                FaultyVfs& of;
                ~Heal() { of.write_answer = SQLITE_OK; }
            } const at_the_end{vfs};
            vfs.write_answer = SQLITE_IOERR_WRITE;
            t.execute("INSERT INTO bulk (bytes) VALUES (zeroblob(30000000))");
            return {};
        });
        outcome = "ok";
    } catch (const Failure& failure) {
        outcome = failure.kind() == Failure::Kind::io_error ? "io_error" : failure.what();
    }
}

TEST(Faults, ALostTransactionIsRunAgainWithoutTheWriteThatLostIt) {
    TempFolder folder;
    FaultyVfs vfs;
    RunLoop loop;
    Internals internals;
    internals.vfs = vfs.name();
    auto db = open_notes(folder, internals);
    std::array<std::string, 3> outcomes;
    int runs = 0;
    Together batch(loop, *db);
    batch.add(count_runs(*db, runs, outcomes[0]));
    batch.add(lose_transaction(*db, vfs, outcomes[1]));
    batch.add(keep_bytes(*db, 10, outcomes[2]));
    batch.run();
    EXPECT_EQ(outcomes, (std::array<std::string, 3>{"ok", "io_error", "ok"}));
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(count_notes(loop, *db), 1);
}

// Each of them loses the transaction: after a few tries the rest is refused, and nothing is kept.
TEST(Faults, ABatchIsNotRunAgainWithoutEnd) {
    TempFolder folder;
    FaultyVfs vfs;
    RunLoop loop;
    Internals internals;
    internals.vfs = vfs.name();
    auto db = open_notes(folder, internals);
    std::array<std::string, 10> outcomes;
    int runs = 0;
    std::string innocent;
    Together batch(loop, *db);
    for (std::string& outcome : outcomes)
        batch.add(lose_transaction(*db, vfs, outcome));
    batch.run();
    for (const std::string& outcome : outcomes)
        EXPECT_EQ(outcome, "io_error");
    loop.run(count_runs(*db, runs, innocent));
    EXPECT_EQ(innocent, "ok");
    EXPECT_EQ(count_notes(loop, *db), 1);
}

TEST(Faults, AWriteErrorFailsTheBatchAndNothingElse) {
    TempFolder folder;
    FaultyVfs vfs;
    RunLoop loop;
    Internals internals;
    internals.vfs = vfs.name();
    auto db = open_notes(folder, internals);
    vfs.write_answer = SQLITE_IOERR_WRITE;
    EXPECT_EQ(keep(loop, *db, 10), "io_error");
    auto writable = loop.run(db->check_writable());
    ASSERT_FALSE(writable);
    EXPECT_EQ(writable.error().fault, Fault::unavailable);
    vfs.write_answer = SQLITE_OK;
    EXPECT_EQ(keep(loop, *db, 10), "ok");
}

TEST(FaultsDeathTest, AFailedFsyncEndsTheProcess) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    TempFolder folder;
    const auto write_with_broken_fsync = [&] {
        FaultyVfs vfs;
        RunLoop loop;
        Internals internals;
        internals.vfs = vfs.name();
        auto db = open_notes(folder, internals);
        vfs.sync_answer = SQLITE_IOERR_FSYNC;
        keep(loop, *db, 10);
    };
    EXPECT_EXIT(write_with_broken_fsync(), ::testing::ExitedWithCode(74), "fsync failed");
}

// In the child: writes from two threads, and tells each acknowledged text over the pipe.
[[noreturn]] void write_until_killed(const std::string& path, int pipe, int round) {
    Internals internals;
    internals.migrations = note_schema;
    Options options;
    options.path = path;
    auto db = SqliteDatabase::open(options, internals);
    if (!db) _exit(1);
    const auto work = [&](int worker) {
        RunLoop loop;
        for (int i = 0;; ++i) {
            char line[32] = {};
            snprintf(line, sizeof line, "%d/%d/%d", round, worker, i);
            const std::string text = line;
            auto done =
                loop.run((*db)->write([text](Transaction& t) { return add_note(t, text); }));
            if (!done || ::write(pipe, line, sizeof line) != sizeof line) _exit(2);
        }
    };
    std::thread other(work, 1);
    work(0);
    _exit(3);
}

TEST(Faults, KillNineLosesNothingThatWasAcknowledged) {
    TempFolder folder;
    std::mt19937 random(20'261'122);
    std::vector<std::string> acknowledged;
    for (int round = 0; round < 20; ++round) {
        int pipe[2];
        ASSERT_EQ(::pipe(pipe), 0);
        const pid_t child = fork();
        if (child == 0) {
            close(pipe[0]);
            write_until_killed(folder.file(), pipe[1], round);
        }
        close(pipe[1]);
        std::thread killer([&] {
            const auto delay = std::chrono::microseconds(30'000 + random() % 150'000);
            std::this_thread::sleep_for(delay);
            kill(child, SIGKILL);
        });
        char line[32];
        while (read(pipe[0], line, sizeof line) == sizeof line)
            acknowledged.emplace_back(line);
        killer.join();
        close(pipe[0]);
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "exit " << WEXITSTATUS(status);

        RunLoop loop;
        auto db = open_notes(folder);
        ASSERT_NE(db, nullptr);
        const auto lost = loop.run(db->read([&acknowledged](Transaction& t) {
            std::vector<std::string> missing;
            for (const std::string& text : acknowledged) {
                Rows rows = t.select("SELECT 1 FROM note WHERE text = $1", text);
                if (!rows.next()) missing.push_back(text);
            }
            Rows rows = t.select("PRAGMA integrity_check");
            rows.next();
            if (rows.text(0) != "ok") missing.emplace_back(rows.text(0));
            return missing;
        }));
        EXPECT_EQ(lost, std::vector<std::string>{}) << "round " << round;
        // At most the writes in flight are there without having been acknowledged: two a round.
        EXPECT_LE(count_notes(loop, *db),
                  static_cast<std::int64_t>(acknowledged.size()) + 2 * (round + 1));
    }
    EXPECT_GT(acknowledged.size(), 20U);
}

TEST(Faults, ASecondProcessIsToldWhoHoldsTheFolder) {
    TempFolder folder;
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = fork();
    if (child == 0) {
        auto db = open_notes(folder);
        const char ready = db ? 'y' : 'n';
        if (::write(pipe[1], &ready, 1) != 1) _exit(1);
        while (true)
            pause();
    }
    char ready = 0;
    ASSERT_EQ(read(pipe[0], &ready, 1), 1);
    EXPECT_EQ(ready, 'y');
    Options options;
    options.path = folder.file();
    auto refused = Database::open(options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().name, "FolderInUse");
    EXPECT_EQ(refused.error().message, "the folder " + folder.path() +
                                           " is in use by the process with pid " +
                                           std::to_string(child) + "; stop it first");
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(pipe[0]);
    close(pipe[1]);
    EXPECT_NE(open_notes(folder), nullptr);
}

TEST(Faults, ASecondDatabaseInOneProcessIsRefusedToo) {
    TempFolder folder;
    auto db = open_notes(folder);
    Options options;
    options.path = folder.file();
    EXPECT_EQ(Database::open(options).error().name, "FolderInUse");
    options.path = folder.path() + "/missing/file";
    EXPECT_EQ(Database::open(options).error().name, "FolderNotUsable");
}

TEST(Checkpoints, AQuietLogIsMovedIntoTheFile) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    EXPECT_EQ(keep(loop, *db, 1'000'000), "ok");
    const auto is_moved = [&] { return std::filesystem::file_size(folder.file()) > 1'000'000; };
    for (int i = 0; i < 500 && !is_moved(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_TRUE(is_moved());
}

TEST(Checkpoints, TheLogIsBoundedByTheWriterToo) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder, {}, false);
    const std::uintmax_t bound =
        std::uintmax_t{limits::log_pages_max} * (limits::page_bytes + 24) + 8'000'000;
    std::uintmax_t largest = 0;
    for (int i = 0; i < 60; ++i) {
        EXPECT_EQ(keep(loop, *db, 4'000'000), "ok");
        largest = std::max(largest, std::filesystem::file_size(folder.file() + "-wal"));
    }
    EXPECT_GT(largest, bound / 2);
    EXPECT_LE(largest, bound);
    EXPECT_EQ(loop.run(db->read([](Transaction& t) {
        Rows rows = t.select("SELECT sum(length(bytes)) FROM bulk");
        rows.next();
        return rows.integer(0);
    })),
              60 * 4'000'000);
}

}  // namespace
}  // namespace roost::db
