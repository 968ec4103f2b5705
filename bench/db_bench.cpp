// What the database costs: an acknowledged write at 1, 8 and 32 concurrent writers, and a read of
// one row. The file lies in the folder named by ROOST_BENCH_DIR, else in the current one.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/run_loop.h"
#include "db/sqlite_database.h"

namespace {

using namespace roost;
using namespace roost::db;

constexpr std::array<Migration, 1> schema = {{
    {1, "bench", "b1",
     "CREATE TABLE record (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, key TEXT NOT NULL,"
     " value BLOB NOT NULL, UNIQUE (account, key)) STRICT;"
     "CREATE TABLE event (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
     "CREATE TABLE head (account INTEGER PRIMARY KEY, rev INTEGER NOT NULL) STRICT"},
}};

constexpr int accounts = 1'000;
constexpr int records_per_account = 100;

class Bench {
  public:
    Bench() {
        const char* chosen = std::getenv("ROOST_BENCH_DIR");
        folder_ = (chosen ? std::string(chosen) : std::string(".")) + "/db_bench.tmp";
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directory(folder_);
        Options options;
        options.path = folder_ + "/bench.sqlite";
        Internals internals;
        internals.migrations = schema;
        db_ = SqliteDatabase::open(options, internals).value();
        for (int account = 0; account < accounts; ++account)
            fill(account);
    }
    ~Bench() {
        db_.reset();
        std::filesystem::remove_all(folder_);
    }
    Database& db() { return *db_; }
    RunLoop& loop() { return loop_; }

  private:
    void fill(int account) {
        const auto done = loop_.run(db_->write([account](Transaction& t) -> Result<void> {
            const Bytes value(300, 7);
            for (int i = 0; i < records_per_account; ++i)
                t.execute("INSERT INTO record (account, key, value) VALUES ($1, $2, $3)", account,
                          std::to_string(i), value);
            t.execute("INSERT INTO head (account, rev) VALUES ($1, 0)", account);
            return {};
        }));
        check(done.has_value(), "the bench data is written");
    }

    RunLoop loop_;
    std::string folder_;
    std::unique_ptr<Database> db_;
};

// A record, its event and the head: the shape of a commit without stored tree nodes.
Task<void> writer(Database& db, int id, std::int64_t& budget, std::int64_t& next, int& open) {
    while (budget-- > 0) {
        const std::int64_t n = ++next;
        const int account = static_cast<int>((n * 7'919 + id) % accounts);
        const auto done = co_await db.write([n, account](Transaction& t) -> Result<void> {
            const Bytes value(300, 7);
            const Bytes event(3'800, 9);
            t.execute("UPDATE head SET rev = rev + 1 WHERE account = $1", account);
            t.execute("INSERT INTO record (account, key, value) VALUES ($1, $2, $3)", account,
                      "new" + std::to_string(n), value);
            t.execute("INSERT INTO event (body) VALUES ($1)", event);
            return {};
        });
        check(done.has_value(), "the bench write is kept");
    }
    --open;
}

Task<void> until_done(const int& open, Database& db) {
    while (open > 0)
        co_await sleep_ms(1);
    benchmark::DoNotOptimize(db.stats());
}

void write_commits(benchmark::State& state) {
    Bench bench;
    std::int64_t next = 0;
    constexpr std::int64_t writes = 4'000;
    for (auto _ : state) {
        std::int64_t budget = writes;
        int open = static_cast<int>(state.range(0));
        for (int i = open; i > 0; --i)
            start_detached(writer(bench.db(), i, budget, next, open));
        bench.loop().run(until_done(open, bench.db()));
    }
    state.SetItemsProcessed(state.iterations() * writes);
    const Stats stats = bench.db().stats();
    state.counters["writes_per_commit"] = static_cast<double>(stats.writes_total - accounts) /
                                          static_cast<double>(stats.batches_total - accounts);
}
BENCHMARK(write_commits)
    ->Arg(1)
    ->Arg(8)
    ->Arg(32)
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

Task<void> read_rows(Database& db, int count) {
    for (std::int64_t n = 1; n <= count; ++n) {
        const std::int64_t account = n * 7'919 % accounts;
        const auto size = co_await db.read([account](Transaction& t) -> std::size_t {
            Rows rows =
                t.select("SELECT value FROM record WHERE account = $1 AND key = $2", account, "42");
            return rows.next() ? rows.bytes(0).size() : 0;
        });
        check(size == 300, "the bench row is there");
    }
}

void read_one_row(benchmark::State& state) {
    Bench bench;
    constexpr int reads = 1'000;
    for (auto _ : state)
        bench.loop().run(read_rows(bench.db(), reads));
    state.counters["cpu_per_read"] =
        benchmark::Counter(static_cast<double>(state.iterations() * reads),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(read_one_row);

}  // namespace

BENCHMARK_MAIN();
