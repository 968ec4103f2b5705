#include "db/connection.h"

#include <limits>

#include "db/testing.h"

namespace roost::db {
namespace {

using testing::TempFolder;

class ConnectionTest : public ::testing::Test {
  protected:
    ConnectionTest() {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a ANY, b ANY) STRICT");
    }
    TempFolder folder;
    Connection db{[this] {
        ConnectionOptions options;
        options.path = folder.file();
        return options;
    }()};
};

TEST_F(ConnectionTest, BindsEveryKindOfValue) {
    const std::string with_nul("a\0b", 3);
    const Bytes bytes = {0, 1, 255};
    const std::optional<std::string> no_text;
    const std::optional<std::string> some_text = "yes";
    Rows r = db.select("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12", nullptr,
                       std::numeric_limits<std::int64_t>::min(), true, with_nul, "literal", bytes,
                       Bytes{}, std::string_view{}, Timestamp{-5}, no_text, some_text,
                       std::optional<int>(7));
    ASSERT_TRUE(r.next());
    EXPECT_TRUE(r.is_null(0));
    EXPECT_EQ(r.integer(1), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(r.integer(2), 1);
    EXPECT_EQ(r.text(3), with_nul);
    EXPECT_EQ(r.text(4), "literal");
    EXPECT_EQ(Bytes(r.bytes(5).begin(), r.bytes(5).end()), bytes);
    EXPECT_FALSE(r.is_null(6));
    EXPECT_EQ(r.bytes(6).size(), 0U);
    EXPECT_FALSE(r.is_null(7));
    EXPECT_EQ(r.text(7), "");
    EXPECT_EQ(r.time(8), Timestamp{-5});
    EXPECT_EQ(r.optional_text(9), std::nullopt);
    EXPECT_EQ(r.optional_text(10), "yes");
    EXPECT_EQ(r.integer(11), 7);
    EXPECT_EQ(r.optional_time(0), std::nullopt);
    EXPECT_FALSE(r.next());
}

TEST_F(ConnectionTest, BindsByNameInAnyOrderAndRepeatedly) {
    for (int round = 0; round < 2; ++round) {
        Rows r = db.select("SELECT $3, $1, $2, $1", 1 + round, 2, 3);
        ASSERT_TRUE(r.next());
        EXPECT_EQ(r.integer(0), 3);
        EXPECT_EQ(r.integer(1), 1 + round);
        EXPECT_EQ(r.integer(2), 2);
        EXPECT_EQ(r.integer(3), 1 + round);
    }
}

TEST_F(ConnectionTest, AValueGivenToSelectMayEndBeforeTheRowsAreRead) {
    Rows r = db.select("SELECT $1 UNION ALL SELECT $1 || '!'", std::string(1'000, 'x'));
    const std::string other(1'000, 'y');
    ASSERT_TRUE(r.next());
    EXPECT_EQ(r.text(0), std::string(1'000, 'x'));
    ASSERT_TRUE(r.next());
    EXPECT_EQ(r.text(0), std::string(1'000, 'x') + "!");
}

TEST_F(ConnectionTest, ExecuteTellsHowManyRowsItChanged) {
    EXPECT_EQ(db.execute("INSERT INTO t (a) VALUES ($1), ($2)", 1, 2), 2);
    EXPECT_EQ(db.execute("UPDATE t SET b = 1 WHERE a = $1", 9), 0);
    EXPECT_EQ(db.execute("UPDATE t SET b = 1 WHERE a = $1", 2), 1);
    EXPECT_EQ(db.execute("CREATE TABLE u (x ANY) STRICT"), 0);
    EXPECT_EQ(db.execute("DELETE FROM t"), 2);
}

TEST_F(ConnectionTest, ReturningGivesRows) {
    Rows r = db.select("INSERT INTO t (a) VALUES ($1) RETURNING id", "x");
    ASSERT_TRUE(r.next());
    EXPECT_EQ(r.integer(0), 1);
    EXPECT_FALSE(r.next());
}

Failure::Kind kind_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Failure& failure) {
        return failure.kind();
    }
    ADD_FAILURE() << "nothing was thrown";
    return Failure::Kind::other;
}

TEST_F(ConnectionTest, ThrowsWhatWentWrong) {
    db.execute("INSERT INTO t (id) VALUES (1)");
    EXPECT_EQ(kind_of([&] { db.execute("INSERT INTO t (id) VALUES (1)"); }),
              Failure::Kind::constraint);
    for (int again = 0; again < 2; ++again)
        EXPECT_EQ(kind_of([&] { db.execute("SELECT FROM nowhere"); }), Failure::Kind::other);
    // The statement that failed can be used again.
    db.execute("DELETE FROM t");
    for (int i = 0; i < 1; ++i)
        db.execute("INSERT INTO t (id) VALUES (1)");
}

TEST_F(ConnectionTest, AValueOfAnotherTypeIsAFailure) {
    Rows r = db.select("SELECT 1, 'a', x'00', NULL");
    ASSERT_TRUE(r.next());
    EXPECT_EQ(kind_of([&] { r.text(0); }), Failure::Kind::other);
    EXPECT_EQ(kind_of([&] { r.bytes(1); }), Failure::Kind::other);
    EXPECT_EQ(kind_of([&] { r.text(2); }), Failure::Kind::other);
    EXPECT_EQ(kind_of([&] { r.integer(3); }), Failure::Kind::other);
    EXPECT_EQ(kind_of([&] { r.text(3); }), Failure::Kind::other);
}

TEST_F(ConnectionTest, AnotherProgramsLockIsBusy) {
    ConnectionOptions options;
    options.path = folder.file();
    options.busy_timeout_ms = 1;
    Connection other(options);
    other.begin_write();
    ConnectionOptions mine = options;
    Connection me(mine);
    EXPECT_EQ(kind_of([&] { me.begin_write(); }), Failure::Kind::busy);
    other.rollback();
    me.begin_write();
    me.rollback();
}

TEST_F(ConnectionTest, HasTheSettingsThatTheDesignAsksFor) {
    const auto value = [&](Sql sql) {
        Rows r = db.select(sql);
        EXPECT_TRUE(r.next());
        return r.integer(0);
    };
    EXPECT_EQ(value("PRAGMA page_size"), 8'192);
    EXPECT_EQ(value("PRAGMA synchronous"), 2);
    EXPECT_EQ(value("PRAGMA secure_delete"), 2) << "FAST";
    EXPECT_EQ(value("PRAGMA foreign_keys"), 1);
    EXPECT_EQ(value("PRAGMA temp_store"), 2);
    EXPECT_EQ(value("PRAGMA wal_autocheckpoint"), 0);
    EXPECT_GT(value("PRAGMA mmap_size"), 0);
}

TEST_F(ConnectionTest, AReaderDoesNotMapTheFile) {
    ConnectionOptions options;
    options.path = folder.file();
    options.role = ConnectionOptions::Role::reader;
    Connection reader(options);
    Rows r = reader.select("PRAGMA mmap_size");
    ASSERT_TRUE(r.next());
    EXPECT_EQ(r.integer(0), 0);
}

using ConnectionDeathTest = ConnectionTest;

TEST_F(ConnectionDeathTest, WrongSqlLiteralsAreBugs) {
    EXPECT_DEATH(db.execute("SELECT $1, $2", 1), "as many values as it names");
    EXPECT_DEATH(db.execute("SELECT $1", 1, 2), "as many values as it names");
    EXPECT_DEATH(db.execute("SELECT $1, $3", 1, 2, 3), "no gaps");
    EXPECT_DEATH(db.execute("SELECT ?", 1), "parameters are");
    EXPECT_DEATH(db.execute("SELECT :name", 1), "parameters are");
    EXPECT_DEATH(db.execute("SELECT 1; SELECT 2"), "one statement");
    EXPECT_DEATH(db.execute(" "), "one statement");
}

TEST_F(ConnectionDeathTest, RowsEndBeforeTheirStatementStartsAgainAndBeforeTheTransaction) {
    const auto nest = [&] {
        constexpr auto one = [](Connection& c) { return c.select("SELECT 1"); };
        Rows outer = one(db);
        Rows inner = one(db);
    };
    EXPECT_DEATH(nest(), "before it starts again");
    const auto outlive = [&] {
        db.begin_read();
        Rows rows = db.select("SELECT 1");
        rows.next();
        db.commit();
    };
    EXPECT_DEATH(outlive(), "no rows outlive");
    EXPECT_DEATH(
        {
            Rows rows = db.select("SELECT 1");
            rows.next();
            rows.integer(1);
        },
        "has this column");
}

}  // namespace
}  // namespace roost::db
