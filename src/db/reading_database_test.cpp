#include "db/reading_database.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/encoding.h"
#include "base/random.h"
#include "base/run_loop.h"

namespace roost::db {
namespace {

class ReadingDatabaseTest : public ::testing::Test {
  protected:
    ReadingDatabaseTest() { std::filesystem::create_directories(folder_); }
    ~ReadingDatabaseTest() override { std::filesystem::remove_all(folder_); }

    Result<std::int64_t> probes(Database& database) {
        return loop_.run(database.read([](Transaction& t) -> Result<std::int64_t> {
            Rows row = t.select("SELECT count(*) FROM write_probe");
            row.next();
            return row.integer(0);
        }));
    }

    const std::string folder_ = testing::TempDir() + "roost_" + hex_encode(random_bytes(8));
    const std::string path_ = folder_ + "/roost.sqlite";
    RunLoop loop_;
};

TEST_F(ReadingDatabaseTest, ReadsBesideAServerAndWithoutOne) {
    {
        const auto server = *Database::open({.path = path_});
        const auto tool = *open_for_reading(path_);
        EXPECT_EQ(probes(*tool), 0);
        ASSERT_TRUE(loop_.run(server->check_writable()).has_value());
        EXPECT_EQ(probes(*tool), 1) << "it sees what is committed";
        auto snapshot = *tool->open_snapshot();
        Rows row = snapshot->transaction().select("SELECT count(*) FROM write_probe");
        EXPECT_TRUE(row.next());
    }
    const auto tool = *open_for_reading(path_);
    EXPECT_EQ(probes(*tool), 1);
    EXPECT_TRUE(Database::open({.path = path_}).has_value()) << "it takes no lock";
}

TEST_F(ReadingDatabaseTest, WritesNothing) {
    const auto server = *Database::open({.path = path_});
    const auto tool = *open_for_reading(path_);
    const auto written = loop_.run(tool->write([](Transaction&) -> Result<void> { return {}; }));
    EXPECT_EQ(written.error().name, "ReadOnly");
    const auto erase = [](Transaction& t) -> Result<std::int64_t> {
        return t.execute("DELETE FROM schema_migration");
    };
    EXPECT_THROW(static_cast<void>(loop_.run(tool->read(erase))), Failure);
}

TEST_F(ReadingDatabaseTest, AnotherVersionIsRefused) {
    {
        const auto server = *Database::open({.path = path_});
        const auto done = loop_.run(server->write([](Transaction& t) -> Result<void> {
            t.execute(
                "DELETE FROM schema_migration WHERE number = "
                "(SELECT max(number) FROM schema_migration)");
            return {};
        }));
        ASSERT_TRUE(done.has_value());
    }
    EXPECT_EQ(open_for_reading(path_).error().name, "SchemaMismatch");
    EXPECT_EQ(open_for_reading(path_ + "-none").error().name, "DatabaseNotUsable");
}

}  // namespace
}  // namespace roost::db
