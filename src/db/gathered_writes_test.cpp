#include "db/gathered_writes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

#include "db/connection.h"
#include "db/limits.h"
#include "db/testing.h"
#include "db/testing_vfs.h"

namespace roost::db {
namespace {

using testing::FaultyVfs;
using testing::TempFolder;

// A file as SQLite sees it.
class OpenFile {
  public:
    OpenFile(const char* vfs_name, const std::string& path)
        : vfs_(sqlite3_vfs_find(vfs_name)),
          memory_(new std::max_align_t[static_cast<std::size_t>(vfs_->szOsFile) /
                                           sizeof(std::max_align_t) +
                                       1]) {
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;
        EXPECT_EQ(vfs_->xOpen(vfs_, path.c_str(), file(), flags, nullptr), SQLITE_OK);
    }
    ~OpenFile() { EXPECT_EQ(file()->pMethods->xClose(file()), SQLITE_OK); }
    OpenFile(const OpenFile&) = delete;

    int write(std::string_view bytes, sqlite3_int64 at) {
        return file()->pMethods->xWrite(file(), bytes.data(), static_cast<int>(bytes.size()), at);
    }
    std::string read(std::size_t size, sqlite3_int64 at) {
        std::string bytes(size, '\0');
        const int code = file()->pMethods->xRead(file(), bytes.data(), static_cast<int>(size), at);
        EXPECT_TRUE(code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ);
        return bytes;
    }
    std::int64_t size() {
        sqlite3_int64 bytes = 0;
        EXPECT_EQ(file()->pMethods->xFileSize(file(), &bytes), SQLITE_OK);
        return bytes;
    }
    int truncate(std::int64_t size) { return file()->pMethods->xTruncate(file(), size); }
    int sync() { return file()->pMethods->xSync(file(), SQLITE_SYNC_NORMAL); }

  private:
    sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(memory_.get()); }

    sqlite3_vfs* vfs_;
    std::unique_ptr<std::max_align_t[]> memory_;
};

TEST(GatheredWrites, ACommitReachesTheLogInAsFewWritesAsItsSizeAllows) {
    TempFolder folder;
    FaultyVfs vfs;
    Connection connection({.path = folder.file(), .vfs = vfs.name()});
    connection.begin_write();
    connection.run_script("CREATE TABLE note (body BLOB)");
    connection.commit();
    for (const int pages : {1, 10, 100}) {
        const int before = vfs.writes;
        connection.begin_write();
        connection.execute("INSERT INTO note VALUES (zeroblob($1))",
                           std::int64_t{pages} * limits::page_bytes);
        connection.commit();
        const int most = 1 + (pages + 10) * limits::page_bytes / (120 * 1'024);
        EXPECT_LE(vfs.writes - before, most) << pages << " pages";
    }
    Rows rows = connection.select("SELECT sum(length(body)) FROM note");
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.integer(0), std::int64_t{111} * limits::page_bytes);
}

TEST(GatheredWrites, AreAFileLikeAnyOther) {
    TempFolder folder;
    FaultyVfs vfs;
    const std::string path = folder.file();
    std::mt19937 random(20261123);
    const auto below = [&](std::size_t n) { return random() % n; };
    std::string expected;
    auto file = std::make_unique<OpenFile>(vfs.name(), path);
    for (int step = 0; step < 5'000; ++step) {
        const std::size_t kind = below(100);
        if (kind < 80) {
            // Mostly where the last one ended, sometimes elsewhere; some larger than can be
            // gathered.
            const bool is_large = below(200) == 0;
            const std::string bytes(
                is_large ? below(limits::gathered_bytes_max) + 1 : below(9'000) + 1,
                static_cast<char>('a' + below(26)));
            const std::size_t at = below(10) < 8 ? expected.size() : below(expected.size() + 1);
            if (at + bytes.size() > 2'000'000) continue;
            ASSERT_EQ(file->write(bytes, static_cast<sqlite3_int64>(at)), SQLITE_OK);
            expected.resize(std::max(expected.size(), at + bytes.size()));
            expected.replace(at, bytes.size(), bytes);
        } else if (kind < 90) {
            const std::size_t at = below(expected.size() + 1);
            const std::string part = expected.substr(at, below(20'000));
            ASSERT_EQ(file->read(part.size(), static_cast<sqlite3_int64>(at)), part);
        } else if (kind < 94) {
            ASSERT_EQ(file->size(), static_cast<std::int64_t>(expected.size()));
        } else if (kind < 96) {
            expected.resize(below(expected.size() + 1));
            ASSERT_EQ(file->truncate(static_cast<std::int64_t>(expected.size())), SQLITE_OK);
        } else if (kind < 99) {
            ASSERT_EQ(file->sync(), SQLITE_OK);
            ASSERT_EQ(OpenFile(nullptr, path).read(expected.size(), 0), expected)
                << "what is synced is in the file, for everybody";
        } else {
            file.reset();
            file = std::make_unique<OpenFile>(vfs.name(), path);
        }
    }
    ASSERT_EQ(file->read(expected.size(), 0), expected);
    EXPECT_LT(vfs.writes, 3'000);
}

// A reader of an older state keeps the checkpoint from finishing; what was moved so far is then
// read from the file, at once and without a sync.
TEST(GatheredWrites, APartOfTheLogThatWasMovedIsInTheFile) {
    TempFolder folder;
    using Role = ConnectionOptions::Role;
    Connection writer({.path = folder.file()});
    const auto write = [&](std::string_view sql) {
        writer.begin_write();
        writer.run_script(std::string(sql));
        writer.commit();
    };
    const auto length = [](Connection& reader) {
        Rows rows = reader.select("SELECT length(body) FROM note");
        return rows.next() ? rows.integer(0) : -1;
    };
    write("CREATE TABLE note (body BLOB); CREATE TABLE other (n INTEGER)");
    write("INSERT INTO note VALUES (zeroblob(10))");
    Connection checkpointer({.path = folder.file(), .role = Role::checkpointer});
    ASSERT_FALSE(checkpointer.checkpoint(Connection::Checkpoint::passive, 0).busy);
    write("UPDATE note SET body = zeroblob(20)");
    Connection older({.path = folder.file(), .role = Role::reader});
    older.begin_read();
    EXPECT_EQ(length(older), 20);
    write("INSERT INTO other VALUES (1)");
    const auto moved = checkpointer.checkpoint(Connection::Checkpoint::passive, 0);
    EXPECT_GT(moved.moved, 0);
    EXPECT_LT(moved.moved, moved.pages) << "it could not finish";
    Connection newer({.path = folder.file(), .role = Role::reader});
    EXPECT_EQ(length(newer), 20);
    older.rollback();
}

TEST(GatheredWrites, AFailureIsTheNextOperationsAndWhatWasGatheredIsForgotten) {
    TempFolder folder;
    FaultyVfs vfs;
    const std::string path = folder.file();
    OpenFile file(vfs.name(), path);
    EXPECT_EQ(file.write("kept", 0), SQLITE_OK);
    EXPECT_EQ(file.sync(), SQLITE_OK);
    vfs.write_answer = SQLITE_FULL;
    EXPECT_EQ(file.write("lost", 4), SQLITE_OK);
    EXPECT_EQ(file.write("too", 8), SQLITE_OK);
    EXPECT_EQ(file.sync(), SQLITE_FULL);
    vfs.write_answer = SQLITE_OK;
    EXPECT_EQ(file.sync(), SQLITE_OK);
    EXPECT_EQ(file.size(), 4);
    EXPECT_EQ(file.write("!", 4), SQLITE_OK);
    EXPECT_EQ(file.read(5, 0), "kept!");
}

}  // namespace
}  // namespace roost::db
