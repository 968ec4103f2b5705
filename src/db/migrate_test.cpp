#include "db/migrate.h"

#include <signal.h>
#include <sys/wait.h>

#include <fstream>

#include "db/testing.h"
#include "db/testing_vfs.h"

namespace roost::db {
namespace {

using namespace testing;

constexpr Migration one = {1, "one", "a1", "CREATE TABLE one (x INTEGER) STRICT"};
constexpr Migration two = {2, "two", "a2",
                           "CREATE TABLE two (x INTEGER) STRICT; INSERT INTO one VALUES (2)"};

Result<std::unique_ptr<Database>> open_with(const TempFolder& folder,
                                            std::span<const Migration> migrations,
                                            const char* vfs = nullptr) {
    Internals internals;
    internals.migrations = migrations;
    internals.vfs = vfs;
    Options options;
    options.path = folder.file();
    return SqliteDatabase::open(options, internals);
}

std::string applied(Database& database) {
    RunLoop loop;
    return loop.run(database.read([](Transaction& t) {
        std::string all;
        Rows rows = t.select("SELECT number, name, sha256 FROM schema_migration ORDER BY number");
        while (rows.next())
            all += std::to_string(rows.integer(0)) + std::string(rows.text(1)) +
                   std::string(rows.text(2)) + " ";
        return all;
    }));
}

std::string refusal(const TempFolder& folder, std::span<const Migration> migrations) {
    const auto database = open_with(folder, migrations);
    return database ? "" : database.error().message;
}

TEST(Migrate, OpensWithoutAny) {
    TempFolder folder;
    EXPECT_EQ(applied(**open_with(folder, {})), "");
    EXPECT_EQ(applied(**open_with(folder, {})), "");
}

// 0008 rebuilds the tables of repositories: each row comes through under the id of its repository.
TEST(Migrate, RepositoriesKeepTheirRows) {
    TempFolder folder;
    RunLoop loop;
    {
        const auto before = open_with(folder, compiled_migrations().first(7));
        ASSERT_TRUE(before.has_value());
        const auto filled = loop.run((*before)->write([](Transaction& t) -> Result<void> {
            for (const int id : {3, 8}) {
                t.execute(
                    "INSERT INTO account (id, did, handle, created_at) VALUES ($1, $2, $2, 1)", id,
                    std::to_string(id));
                t.execute(
                    "INSERT INTO repo (account_id, rev, commit_cid, commit_block, nodes_seq, "
                    "nodes_root, record_count) VALUES ($1, 'rev', x'01', x'02', 5, x'03', 6)",
                    id);
                t.execute("INSERT INTO repo_node VALUES ($1, 1, 'left', 7, x'04')", id);
                t.execute("INSERT INTO record VALUES ($1, 'a/b', x'05', 8, 'ref', x'06')", id);
                t.execute("INSERT INTO repo_collection VALUES ('a', $1)", id);
                t.execute("INSERT INTO record_subject VALUES ($1, 9, 'a/b')", id);
                t.execute("INSERT INTO record_blob VALUES ($1, 'a/b', x'07', 10)", id);
            }
            return {};
        }));
        ASSERT_TRUE(filled.has_value());
    }
    const auto after = open_with(folder, compiled_migrations().first(8));
    ASSERT_TRUE(after.has_value());
    const auto rows = loop.run((*after)->write([](Transaction& t) -> Result<std::string> {
        Rows row = t.select(
            "SELECT group_concat(repo.id || account_id || repo.rev || hex(commit_cid) || "
            "hex(commit_block) || nodes_seq || hex(nodes_root) || record_count || layer || "
            "left_key || stamp || hex(node) || record.key || hex(cid) || record.rev || "
            "takedown_ref || hex(value) || collection || subject_hash || hex(digest) || "
            "record_blob.rev, ' ') FROM repo JOIN repo_node ON repo_node.repo_id = repo.id "
            "JOIN record ON record.repo_id = repo.id JOIN repo_collection c ON c.repo_id = repo.id "
            "JOIN record_subject s ON s.repo_id = repo.id JOIN record_blob "
            "ON record_blob.repo_id = repo.id ORDER BY repo.id");
        row.next();
        return std::string(row.text(0));
    }));
    EXPECT_EQ(*rows,
              "33rev010250361left704a/b058ref06a90710 88rev010250361left704a/b058ref06a90710");
    // The account goes, its repository stays without it, and ids are not given again.
    const auto next = loop.run((*after)->write([](Transaction& t) -> Result<std::int64_t> {
        t.execute("DELETE FROM account WHERE id = 8");
        t.execute("DELETE FROM record_blob WHERE repo_id = 8");
        for (const Sql& sql :
             {Sql("DELETE FROM record_subject"), Sql("DELETE FROM repo_collection"),
              Sql("DELETE FROM record"), Sql("DELETE FROM repo_node"),
              Sql("DELETE FROM repo WHERE account_id IS NULL")})
            t.execute(sql);
        Rows row = t.select(
            "INSERT INTO repo (rev, commit_cid, commit_block, nodes_seq, record_count) "
            "VALUES ('', x'', x'', 0, 0) RETURNING id");
        row.next();
        return row.integer(0);
    }));
    EXPECT_EQ(*next, 9);
}

// 0013 links the commits that are not in the nodes yet, and says where each chain begins.
TEST(Migrate, CommitsFormChains) {
    TempFolder folder;
    RunLoop loop;
    {
        const auto before = open_with(folder, compiled_migrations().first(12));
        ASSERT_TRUE(before.has_value());
        const auto filled = loop.run((*before)->write([](Transaction& t) -> Result<void> {
            for (const int id : {1, 2, 3}) {
                t.execute(
                    "INSERT INTO account (id, did, handle, created_at) VALUES ($1, $2, $2, 1)", id,
                    std::to_string(id));
                t.execute(
                    "INSERT INTO repo (id, account_id, rev, commit_cid, commit_block, nodes_seq, "
                    "record_count) VALUES ($1, $1, 'rev', x'01', x'02', 4, 0)",
                    id);
            }
            for (const int seq : {1, 2, 3, 4, 5, 6, 7, 8, 9})
                t.execute(
                    "INSERT INTO event (seq, did, kind, body, created_at) VALUES ($1, $2, $3, "
                    "x'00', 1)",
                    seq, seq % 2 == 0 ? "2" : "1", seq == 7 ? "sync" : "commit");
            return {};
        }));
        ASSERT_TRUE(filled.has_value());
    }
    const auto after = open_with(folder, compiled_migrations().first(13));
    ASSERT_TRUE(after.has_value());
    const auto chains = loop.run((*after)->read([](Transaction& t) -> Result<std::string> {
        Rows row = t.select(
            "SELECT (SELECT group_concat(commit_seq, ' ') FROM (SELECT * FROM repo ORDER BY id)) "
            "|| ', ' || (SELECT group_concat(seq || '>' || previous, ' ') FROM event)");
        row.next();
        return std::string(row.text(0));
    }));
    EXPECT_EQ(*chains, "9 8 0, 5>3 6>4 8>6 9>5");
}

TEST(Migrate, AppliesEachOnceInOrder) {
    TempFolder folder;
    EXPECT_EQ(applied(**open_with(folder, std::array{one})), "1onea1 ");
    EXPECT_EQ(applied(**open_with(folder, std::array{one, two})), "1onea1 2twoa2 ");
    EXPECT_EQ(applied(**open_with(folder, std::array{one, two})), "1onea1 2twoa2 ");
}

TEST(Migrate, TheCompiledInOnesApply) {
    TempFolder folder;
    const auto database = open_with(folder, compiled_migrations());
    ASSERT_TRUE(database) << database.error().message;
    for (const Migration& migration : compiled_migrations()) {
        EXPECT_EQ(migration.sha256.size(), 64U);
        EXPECT_FALSE(migration.sql.empty());
    }
}

TEST(Migrate, RefusesANewerSchema) {
    TempFolder folder;
    ASSERT_TRUE(open_with(folder, std::array{one, two}));
    EXPECT_EQ(refusal(folder, std::array{one}),
              "the database has migration 2 (two), which this program does not know: use a newer "
              "roost");
}

TEST(Migrate, RefusesAChangedText) {
    TempFolder folder;
    ASSERT_TRUE(open_with(folder, std::array{one, two}));
    Migration changed = one;
    changed.sha256 = "b1";
    EXPECT_TRUE(refusal(folder, std::array{changed, two})
                    .starts_with("migration 1 (one) was applied with another text"));
}

TEST(Migrate, AFailedMigrationLeavesNothing) {
    TempFolder folder;
    Migration wrong = two;
    wrong.sql = "CREATE TABLE two (x INTEGER) STRICT; INSERT INTO missing VALUES (1)";
    EXPECT_NE(refusal(folder, std::array{one, wrong}).find("no such table: missing"),
              std::string::npos);
    EXPECT_EQ(applied(**open_with(folder, std::array{one, two})), "1onea1 2twoa2 ");
}

TEST(Migrate, ChecksReferencesAtItsEnd) {
    TempFolder folder;
    Migration dangling = two;
    dangling.sql =
        "CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;"
        "CREATE TABLE child (parent INTEGER REFERENCES parent) STRICT;"
        "INSERT INTO child VALUES (7)";
    EXPECT_EQ(refusal(folder, std::array{one, dangling}),
              "migration two leaves references without a target in table child");
    EXPECT_EQ(applied(**open_with(folder, std::array{one})), "1onea1 ");
}

TEST(Migrate, RefusesAFileOfAnotherProgram) {
    TempFolder folder;
    {
        ConnectionOptions options;
        options.path = folder.file();
        Connection(options).execute("CREATE TABLE theirs (x)");
    }
    EXPECT_NE(refusal(folder, {}).find("belongs to another program"), std::string::npos);
}

TEST(Migrate, RefusesWhatIsNotADatabase) {
    TempFolder folder;
    std::ofstream(folder.file()) << std::string(20'000, 'x');
    EXPECT_NE(refusal(folder, {}).find("damaged or not a database"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(folder.file()), 20'000U);
}

// Kills a child before each write to the disk that opening a database makes, and looks what the
// next open finds: each migration wholly there, or not at all.
TEST(Migrate, SurvivesAKillAtEveryStep) {
    bool finished = false;
    for (int step = 0; step < 200 && !finished; ++step) {
        TempFolder folder;
        const pid_t child = fork();
        if (child == 0) {
            FaultyVfs vfs;
            vfs.operations_to_live = step;
            const bool opened = open_with(folder, std::array{one, two}, vfs.name()).has_value();
            _exit(opened ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        finished = WIFEXITED(status);
        if (finished) {
            EXPECT_EQ(WEXITSTATUS(status), 0);
        } else {
            EXPECT_EQ(WTERMSIG(status), SIGKILL);
        }
        // A migration that was done by half fails here, or leaves a second row.
        const auto database = open_with(folder, std::array{one, two});
        ASSERT_TRUE(database) << "step " << step << ": " << database.error().message;
        EXPECT_EQ(applied(**database), "1onea1 2twoa2 ");
        RunLoop loop;
        EXPECT_EQ(loop.run((*database)->read([](Transaction& t) {
            Rows ones = t.select("SELECT count(*) FROM one");
            ones.next();
            return ones.integer(0);
        })),
                  1)
            << "step " << step;
    }
    EXPECT_TRUE(finished);
}

}  // namespace
}  // namespace roost::db
