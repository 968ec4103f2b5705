// Brings a database to the schema that this program knows.
//
// Migrations are the files migrations/sqlite/NNNN_name.sql, compiled in, numbered from 1 without a
// gap. Each is applied in one transaction together with its row in schema_migration, so a crash
// leaves it wholly done or not begun. A migration that was applied never changes its text.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "db/connection.h"

namespace roost::db {

struct Migration {
    int number;
    std::string_view name;
    std::string_view sha256;  // of the file, in hexadecimal
    std::string_view sql;
};

std::span<const Migration> compiled_migrations();

// That all of them are applied already, and no others. Errors: SchemaMismatch.
Result<void> check_migrations(Connection& connection, std::span<const Migration> migrations);

// Errors: the schema is newer than the list, an applied migration has another text here, the file
// is another program's, a migration left a reference without its target. Throws Failure when a
// migration's SQL fails.
Result<void> migrate(Connection& connection, std::span<const Migration> migrations);

}  // namespace roost::db
