#include "db/migrate.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

namespace roost::db {

namespace {

Error schema_error(std::string message) {
    return {Fault::internal, "SchemaMismatch", std::move(message)};
}

// The tables that belong to this room: the list of applied migrations, and the row that
// check_writable() touches.
Result<void> create_own_tables(Connection& connection) {
    bool is_ours = false;
    bool is_empty = true;
    {
        Rows tables = connection.select("SELECT name FROM sqlite_schema WHERE type = 'table'");
        while (tables.next()) {
            is_empty = false;
            is_ours |= tables.text(0) == "schema_migration";
        }
    }
    if (is_ours) return {};
    if (!is_empty)
        return schema_error("the database file belongs to another program; name another path");
    connection.begin_write();
    connection.execute(
        "CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL,"
        " sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT");
    connection.execute(
        "CREATE TABLE write_probe (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " tried_at INTEGER NOT NULL) STRICT");
    connection.commit();
    return {};
}

// How many of the migrations are applied already.
Result<std::size_t> count_applied(Connection& connection, std::span<const Migration> migrations) {
    std::size_t count = 0;
    Rows applied =
        connection.select("SELECT number, name, sha256 FROM schema_migration ORDER BY number");
    while (applied.next()) {
        const std::string label =
            std::to_string(applied.integer(0)) + " (" + std::string(applied.text(1)) + ")";
        if (count == migrations.size())
            return schema_error("the database has migration " + label +
                                ", which this program does not know: use a newer roost");
        const Migration& known = migrations[count];
        if (applied.integer(0) != known.number || applied.text(1) != known.name ||
            applied.text(2) != known.sha256)
            return schema_error("migration " + label +
                                " was applied with another text than this program has: use the "
                                "roost that created the database, or a newer release of it");
        ++count;
    }
    return count;
}

Result<void> apply(Connection& connection, const Migration& migration) {
    connection.begin_write();
    connection.run_script(std::string(migration.sql));
    check(connection.in_transaction(), "a migration does not end its transaction");
    {
        Rows broken = connection.select("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1");
        if (broken.next())
            return schema_error("migration " + std::string(migration.name) +
                                " leaves references without a target in table " +
                                std::string(broken.text(0)));
    }
    connection.execute(
        "INSERT INTO schema_migration (number, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
        migration.number, migration.name, migration.sha256, now());
    connection.commit();
    log::info("migration applied", {{"number", migration.number}, {"name", migration.name}});
    return {};
}

}  // namespace

Result<void> check_migrations(Connection& connection, std::span<const Migration> migrations) {
    const std::size_t applied = TRY(count_applied(connection, migrations));
    if (applied < migrations.size())
        return schema_error(
            "the database is of an older version than this program: start the server of this "
            "version once, which brings it up to date");
    return {};
}

Result<void> migrate(Connection& connection, std::span<const Migration> migrations) {
    for (std::size_t i = 0; i < migrations.size(); ++i)
        check(migrations[i].number == static_cast<int>(i) + 1,
              "migrations are numbered from 1 without a gap");
    TRY(create_own_tables(connection));
    const std::size_t applied = TRY(count_applied(connection, migrations));
    // A migration may rebuild a table that others refer to; the references are checked at its end.
    connection.run_script("PRAGMA foreign_keys=OFF");
    for (const Migration& migration : migrations.subspan(applied)) {
        Result<void> done = apply(connection, migration);
        if (!done) {
            connection.rollback();
            return done;
        }
    }
    connection.run_script("PRAGMA foreign_keys=ON");
    return {};
}

}  // namespace roost::db
