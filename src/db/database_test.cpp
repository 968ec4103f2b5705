#include "db/database.h"

#include <sys/stat.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "base/testing.h"
#include "db/limits.h"
#include "db/testing.h"

namespace roost::db {
namespace {

using namespace testing;

Task<void> keep_note(Database& db, std::string text, std::string& outcome) {
    try {
        Result<void> done = co_await db.write([text](Transaction& t) { return add_note(t, text); });
        outcome = done ? "ok" : done.error().name;
    } catch (const Failure& failure) {
        outcome = failure.kind() == Failure::Kind::constraint ? "constraint" : failure.what();
    }
}

TEST(Database, AnErrorLeavesNothing) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    auto failed = loop.run(db->write([](Transaction& t) -> Result<int> {
        TRY(add_note(t, "gone"));
        return Error::not_found("no");
    }));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error(), Error::not_found("no"));
    EXPECT_EQ(count_notes(loop, *db), 0);
    auto done = loop.run(db->write([](Transaction& t) -> Result<int> {
        TRY(add_note(t, "stays"));
        return 42;
    }));
    EXPECT_EQ(done.value(), 42);
    EXPECT_EQ(count_notes(loop, *db), 1);
    EXPECT_EQ(db->stats().writes_total, 1);
}

Task<void> throw_after_note(Database& db, bool& caught) {
    try {
        (void)co_await db.write([](Transaction& t) -> Result<void> {
            TRY(add_note(t, "thrown"));
            throw std::out_of_range("a bug");
        });
    } catch (const std::out_of_range& error) {
        caught = std::string(error.what()) == "a bug";
    }
}
Task<void> refuse_after_note(Database& db, bool& refused) {
    auto result = co_await db.write([](Transaction& t) -> Result<void> {
        TRY(add_note(t, "refused"));
        return Error::forbidden("no");
    });
    refused = !result && result.error().fault == Fault::forbidden;
}

TEST(Database, NeighboursInABatchDoNotDisturbEachOther) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    bool caught = false;
    bool refused = false;
    std::array<std::string, 4> outcomes;
    Together batch(loop, *db);
    batch.add(keep_note(*db, "a", outcomes[0]));
    batch.add(throw_after_note(*db, caught));
    batch.add(keep_note(*db, "b", outcomes[1]));
    batch.add(keep_note(*db, "a", outcomes[2]));  // UNIQUE
    batch.add(refuse_after_note(*db, refused));
    batch.add(keep_note(*db, "c", outcomes[3]));
    batch.run();
    EXPECT_TRUE(caught);
    EXPECT_TRUE(refused);
    EXPECT_EQ(outcomes, (std::array<std::string, 4>{"ok", "ok", "constraint", "ok"}));
    EXPECT_EQ(count_notes(loop, *db), 3);
    EXPECT_EQ(db->stats().batches_total, 2);
    EXPECT_EQ(db->stats().writes_total, 4);  // with the one that held the writer
}

Task<void> count_runs(Database& db, std::atomic<int>& runs) {
    auto done = co_await db.write([&runs](Transaction& t) -> Result<void> {
        return add_note(t, "run " + std::to_string(++runs));
    });
    EXPECT_TRUE(done);
}
Task<void> refuse_at_once(Database& db) {
    auto done = co_await db.write([](Transaction& t) -> Result<void> {
        t.execute("DELETE FROM note WHERE text = $1", "nobody's");
        return Error::forbidden("no");
    });
    EXPECT_FALSE(done);
}

TEST(Database, OnlyARefusalWithChangesMakesItsNeighboursRunAgain) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    std::atomic<int> runs = 0;
    Together batch(loop, *db);
    batch.add(count_runs(*db, runs));
    batch.add(refuse_at_once(*db));
    batch.run();
    EXPECT_EQ(runs, 1);
    bool refused = false;
    Together another(loop, *db);
    another.add(count_runs(*db, runs));
    another.add(refuse_after_note(*db, refused));
    another.run();
    EXPECT_TRUE(refused);
    EXPECT_EQ(runs, 3);
    EXPECT_EQ(count_notes(loop, *db), 2);
    EXPECT_EQ(db->stats().batches_total, 4);  // with those that held the writer
}

Task<void> dangling_reply(Database& db, std::string& outcome) {
    try {
        (void)co_await db.write([](Transaction& t) -> Result<void> {
            t.execute("INSERT INTO reply (note) VALUES ($1)", 999);
            return {};
        });
        outcome = "ok";
    } catch (const Failure& failure) {
        outcome = failure.kind() == Failure::Kind::constraint ? "constraint" : failure.what();
    }
}

TEST(Database, AConstraintAtCommitHitsOnlyWhoBreaksIt) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    std::array<std::string, 3> outcomes;
    Together batch(loop, *db);
    batch.add(keep_note(*db, "a", outcomes[0]));
    batch.add(dangling_reply(*db, outcomes[1]));
    batch.add(keep_note(*db, "b", outcomes[2]));
    batch.run();
    EXPECT_EQ(outcomes, (std::array<std::string, 3>{"ok", "constraint", "ok"}));
    EXPECT_EQ(count_notes(loop, *db), 2);
}

TEST(Database, GroupsWhatWaitsAndKeepsTheOrder) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    std::vector<std::string> outcomes(300);
    Together batch(loop, *db);
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        batch.add(keep_note(*db, std::to_string(i), outcomes[i]));
    EXPECT_EQ(db->stats().queue_length, 300);
    batch.run();
    // 1 that held the writer, then 128 + 128 + 44.
    EXPECT_EQ(db->stats().batches_total, 4);
    const auto texts = loop.run(db->read([](Transaction& t) {
        std::vector<std::string> all;
        Rows rows = t.select("SELECT text FROM note ORDER BY id");
        while (rows.next())
            all.emplace_back(rows.text(0));
        return all;
    }));
    ASSERT_EQ(texts.size(), 300U);
    for (std::size_t i = 0; i < texts.size(); ++i)
        EXPECT_EQ(texts[i], std::to_string(i));
}

TEST(Database, ALoneWriteIsABatchOfItsOwn) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    for (int i = 0; i < 10; ++i) {
        std::string outcome;
        loop.run(keep_note(*db, std::to_string(i), outcome));
        EXPECT_EQ(outcome, "ok");
    }
    EXPECT_EQ(db->stats().batches_total, 10);
}

TEST(Database, RefusesWhenTooManyWait) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    std::vector<std::string> outcomes(limits::writes_waiting_max + 1);
    Together batch(loop, *db);
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        batch.add(keep_note(*db, std::to_string(i), outcomes[i]));
    EXPECT_EQ(outcomes.back(), "ServiceUnavailable");
    batch.run();
    EXPECT_EQ(count_notes(loop, *db), static_cast<std::int64_t>(limits::writes_waiting_max));
}

Task<void> write_many(Database& db, int thread, int count, std::thread::id& wrong_thread) {
    for (int i = 0; i < count; ++i) {
        const std::string text = std::to_string(thread) + "/" + std::to_string(i);
        auto done = co_await db.write([text](Transaction& t) -> Result<std::int64_t> {
            TRY(add_note(t, text));
            return count_notes(t);
        });
        check(done.has_value(), "the write is kept");
        if (std::this_thread::get_id() != wrong_thread) wrong_thread = {};
        const auto seen = co_await db.read([text](Transaction& t) {
            Rows rows = t.select("SELECT id FROM note WHERE text = $1", text);
            return rows.next();
        });
        check(seen, "an acknowledged write is visible");
    }
}

TEST(Database, ManyThreadsWriteAndRead) {
    constexpr int threads = 8;
    constexpr int tasks = 10;
    constexpr int writes = 100;
    TempFolder folder;
    auto db = open_notes(folder);
    std::vector<std::thread> workers;
    for (int n = 0; n < threads; ++n)
        workers.emplace_back([&db, n] {
            RunLoop own;
            std::array<std::thread::id, tasks> ids;
            ids.fill(std::this_thread::get_id());
            std::vector<Task<void>> all;
            for (int k = 0; k < tasks; ++k)
                all.push_back(write_many(*db, n * tasks + k, writes, ids[std::size_t(k)]));
            run_all(own, std::move(all));
            for (const auto& id : ids)
                EXPECT_EQ(id, std::this_thread::get_id());
        });
    for (std::thread& worker : workers)
        worker.join();
    RunLoop loop;
    EXPECT_EQ(count_notes(loop, *db), threads * tasks * writes);
    EXPECT_EQ(db->stats().writes_total, threads * tasks * writes);
    EXPECT_LT(db->stats().batches_total, threads * tasks * writes);
    EXPECT_EQ(db->stats().queue_length, 0);
}

TEST(Database, AReadIsASnapshot) {
    TempFolder folder;
    auto db = open_notes(folder);
    RunLoop loop;
    const auto counts = loop.run(db->read([&db](Transaction& t) {
        const std::int64_t before = count_notes(t);
        std::thread([&db] {
            RunLoop other;
            std::string outcome;
            other.run(keep_note(*db, "meanwhile", outcome));
            EXPECT_EQ(outcome, "ok");
        }).join();
        Rows rows = t.select("SELECT text FROM note");
        return std::pair(before, rows.next());
    }));
    EXPECT_EQ(counts, std::pair(std::int64_t{0}, false));
    EXPECT_EQ(count_notes(loop, *db), 1);
}

// Reads of one turn share a snapshot, but a write is seen by every read that begins after it.
TEST(Database, AReadSeesAllThatWasCommittedBeforeIt) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    EXPECT_EQ(count_notes(loop, *db), 0);
    for (int written = 1; written <= 3; ++written) {
        std::thread other([&] {
            RunLoop own;
            auto done = own.run(db->write(
                [written](Transaction& t) { return add_note(t, std::to_string(written)); }));
            EXPECT_TRUE(done.has_value());
        });
        other.join();
        EXPECT_EQ(count_notes(loop, *db), written);
        EXPECT_EQ(count_notes(loop, *db), written);
    }
}

TEST(Database, ASnapshotEndsWithItsTurn) {
    TempFolder folder;
    auto db = open_notes(folder);
    const auto log_can_be_emptied = [&] {
        Connection other({.path = folder.file()});
        return !other.checkpoint(Connection::Checkpoint::truncate, 50).busy;
    };
    {
        RunLoop loop;
        ASSERT_TRUE(loop.run(db->write([](Transaction& t) { return add_note(t, "one"); })));
        EXPECT_EQ(count_notes(loop, *db), 1);
        EXPECT_FALSE(log_can_be_emptied());  // the turn goes on
        loop.run([]() -> Task<void> { co_await sleep_ms(1); }());
        EXPECT_TRUE(log_can_be_emptied());
        EXPECT_EQ(count_notes(loop, *db), 1);
    }
    EXPECT_TRUE(log_can_be_emptied());  // nobody ran what would have ended it
}

TEST(Database, AReadCannotWriteAndAFailedReadHarmsNothing) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    EXPECT_THROW((void)loop.run(db->read([](Transaction& t) { return add_note(t, "no"); })),
                 Failure);
    EXPECT_THROW(loop.run(db->read([](Transaction&) -> int { throw std::out_of_range("x"); })),
                 std::out_of_range);
    EXPECT_EQ(count_notes(loop, *db), 0);
}

TEST(Database, ATaskMayEndWhileItsWriteWaits) {
    TempFolder folder;
    RunLoop loop;
    auto db = open_notes(folder);
    std::string first;
    std::string last;
    auto outcome = std::make_unique<std::string>();
    Together batch(loop, *db);
    batch.add(keep_note(*db, "first", first));
    {
        const auto abandoned =
            roost::testing::Abandoned::start(keep_note(*db, "abandoned", *outcome));
        batch.add(keep_note(*db, "last", last));
    }
    outcome.reset();
    batch.run();
    EXPECT_EQ(first, "ok");
    EXPECT_EQ(last, "ok");
    EXPECT_EQ(count_notes(loop, *db), 3);
}

TEST(Database, ClosingSettlesWhatWaits) {
    TempFolder folder;
    RunLoop loop;
    std::vector<std::string> outcomes(50);
    std::size_t open = outcomes.size();
    {
        auto db = open_notes(folder);
        for (std::size_t i = 0; i < outcomes.size(); ++i)
            start_detached(count_down(keep_note(*db, std::to_string(i), outcomes[i]), open));
    }
    loop.run(until_zero(open));
    for (const std::string& outcome : outcomes)
        EXPECT_EQ(outcome, "ok");
    auto db = open_notes(folder);
    EXPECT_EQ(count_notes(loop, *db), 50);
}

TEST(Database, TellsItsListenersOfCommits) {
    TempFolder folder;
    RunLoop loop;
    std::atomic<int> told = 0;
    Internals internals;
    internals.migrations = note_schema;
    auto opened = SqliteDatabase::open(
        {.path = folder.file(), .listeners = {{"note", [&] { ++told; }}}}, internals);
    ASSERT_TRUE(opened.has_value());
    Database& db = **opened;
    EXPECT_EQ(told, 0);
    std::string outcome;
    loop.run(keep_note(db, "a", outcome));
    EXPECT_EQ(outcome, "ok");
    EXPECT_EQ(told, 1) << "before the write is answered";
    const auto other_table = [](Transaction& t) -> Result<void> {
        t.execute("INSERT INTO bulk (bytes) VALUES ($1)", Bytes(10, 1));
        return {};
    };
    ASSERT_TRUE(loop.run(db.write(other_table)).has_value());
    EXPECT_EQ(told, 1);
    const auto both = [](Transaction& t) -> Result<void> {
        t.execute("INSERT INTO note (text) VALUES ('b'), ('c')");
        t.execute("DELETE FROM note WHERE text = 'b'");
        return {};
    };
    ASSERT_TRUE(loop.run(db.write(both)).has_value());
    EXPECT_EQ(told, 2) << "once for a commit";
}

TEST(Database, IsForItsOwnerOnly) {
    TempFolder folder;
    auto db = open_notes(folder);
    for (const char* suffix : {"", "-wal", "-shm"}) {
        struct stat status{};
        ASSERT_EQ(stat((folder.file() + suffix).c_str(), &status), 0) << suffix;
        EXPECT_EQ(status.st_mode & 0777U, 0600U) << suffix;
    }
}

TEST(DatabaseDeathTest, AWriteOutsideAnExecutorIsABug) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    TempFolder folder;
    auto db = open_notes(folder);
    std::string outcome;
    EXPECT_DEATH(start_detached(keep_note(*db, "a", outcome)), "on the thread of an Executor");
}

}  // namespace
}  // namespace roost::db
