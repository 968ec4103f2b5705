#include "db/row_versions.h"

#include <gtest/gtest.h>

#include "base/run_loop.h"
#include "db/sqlite_database.h"
#include "db/testing.h"

namespace roost::db {
namespace {

TEST(RowVersions, RiseForTheRowsThatWereNotedWhenPublished) {
    RowVersions versions({"a", "b"});
    const std::uint64_t before = versions.version(0, 7);
    versions.note("a", 7);
    versions.note("unwatched", 8);
    EXPECT_EQ(versions.version(0, 7), before);
    EXPECT_EQ(versions.epoch(), 0U);
    versions.publish();
    EXPECT_GT(versions.version(0, 7), before);
    EXPECT_EQ(versions.version(1, 7), 0U) << "the same number in another table is another row";
    EXPECT_EQ(versions.epoch(), 1U);
    versions.publish();
    EXPECT_EQ(versions.epoch(), 1U) << "nothing was noted since";
}

TEST(RowVersions, FollowCommitsAndCascades) {
    constexpr std::array<Migration, 1> schema = {{
        {1, "family", "a1",
         "CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;"
         "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL "
         "REFERENCES parent (id) ON DELETE CASCADE) STRICT;"
         "INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (10, 1), (20, 2)"},
    }};
    const testing::TempFolder folder;
    RunLoop loop;
    auto opened = SqliteDatabase::open(
        {.path = folder.file(), .watched_tables = {"parent", "child"}}, {.migrations = schema});
    ASSERT_TRUE(opened.has_value());
    Database& db = **opened;
    const RowVersions& versions = db.row_versions();
    const auto versions_now = [&] {
        return std::array{versions.version(0, 1), versions.version(0, 2), versions.version(1, 10),
                          versions.version(1, 20)};
    };
    const auto before = versions_now();
    const Result<void> done = loop.run(db.write([](Transaction& t) -> Result<void> {
        t.execute("DELETE FROM parent WHERE id = $1", 1);
        return {};
    }));
    EXPECT_TRUE(done.has_value());
    const auto after = versions_now();
    EXPECT_GT(after[0], before[0]);
    EXPECT_GT(after[2], before[2]) << "the child went with its parent";
    EXPECT_EQ(after[1], before[1]);
    EXPECT_EQ(after[3], before[3]);
}

}  // namespace
}  // namespace roost::db
