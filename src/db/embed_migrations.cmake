# Writes TABLE, a C++ file with the texts of FILES (NNNN_name.sql) in order, and their hashes.
list(SORT FILES)
set(rows "")
foreach(path IN LISTS FILES)
    get_filename_component(file ${path} NAME)
    if(NOT file MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)\\.sql$")
        message(FATAL_ERROR "${file}: a migration is called NNNN_name.sql")
    endif()
    set(name "${CMAKE_MATCH_2}") # before the next regular expression takes its place
    string(REGEX REPLACE "^0+" "" number "${CMAKE_MATCH_1}")
    file(SHA256 ${path} hash)
    file(READ ${path} text)
    string(APPEND rows "    {${number}, \"${name}\", \"${hash}\",\n     R\"~migration~(${text})~migration~\"},\n")
endforeach()
file(WRITE ${TABLE} "// Generated from migrations/sqlite by embed_migrations.cmake.
#include <vector>

#include \"db/migrate.h\"

namespace roost::db {

std::span<const Migration> compiled_migrations() {
    static const std::vector<Migration> migrations = {
${rows}    };
    return migrations;
}

}  // namespace roost::db
")
