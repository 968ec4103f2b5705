#include <sqlite3.h>

#include <charconv>

#include "base/check.h"
#include "db/connection.h"

namespace roost::db {

namespace {

// Neither null nor dangling: SQLite takes a null pointer for NULL, also with length 0.
const char* const empty_value = "";

// Each look at a column takes the connection's lock and lets it go, so this is one. A connection
// that has no mutex has no unprotected values.
// https://www.sqlite.org/c3ref/value.html
sqlite3_value* value_of(const Statement& statement, int column, int type) {
    sqlite3_value* const value = sqlite3_column_value(statement.handle(), column);
    if (sqlite3_value_type(value) != type) [[unlikely]]
        statement.expect(column, type);
    return value;
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n;") == std::string_view::npos;
}

}  // namespace

Statement::Statement(Connection& connection, Sql sql) : connection_(connection), sql_(sql) {
    const char* tail = nullptr;
    const int code =
        sqlite3_prepare_v3(connection.handle_, sql.text(), static_cast<int>(sql.size()) + 1,
                           SQLITE_PREPARE_PERSISTENT, &statement_, &tail);
    if (code != SQLITE_OK) connection.raise(code, sql.text());
    check(statement_ != nullptr && is_blank(tail), "an SQL literal is one statement");
    columns_ = sqlite3_column_count(statement_);
    const int count = sqlite3_bind_parameter_count(statement_);
    std::uint64_t seen = 0;
    for (int position = 1; position <= count; ++position) {
        const char* name = sqlite3_bind_parameter_name(statement_, position);
        unsigned number = 0;
        const std::string_view view = name ? name : "";
        const bool is_dollar =
            view.starts_with('$') &&
            std::from_chars(view.data() + 1, view.data() + view.size(), number).ptr ==
                view.data() + view.size();
        check(is_dollar && number >= 1 && number <= 64, "SQL parameters are $1 to $64");
        seen |= std::uint64_t{1} << (number - 1);
        numbers_.push_back(static_cast<std::uint8_t>(number - 1));
        parameters_ = std::max<std::size_t>(parameters_, number);
    }
    const std::uint64_t all =
        parameters_ == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << parameters_) - 1;
    check(seen == all, "SQL parameters have no gaps");
}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

void Statement::begin(std::span<const Parameter> parameters, Lifetime lifetime) {
    check(!running_, "the rows of a statement are done with before it starts again");
    check(parameters.size() == parameters_, "an SQL statement gets as many values as it names");
    for (std::size_t i = 0; i < numbers_.size(); ++i)
        bind(static_cast<int>(i) + 1, parameters[numbers_[i]], lifetime);
    running_ = true;
    ++connection_.running_;
}

void Statement::bind(int position, const Parameter& parameter, Lifetime lifetime) {
    const auto keep = lifetime == Lifetime::of_the_rows ? SQLITE_TRANSIENT : SQLITE_STATIC;
    const auto& value = parameter.value();
    int code = SQLITE_OK;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        code = sqlite3_bind_int64(statement_, position, *integer);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
        code = sqlite3_bind_text64(statement_, position, text->data() ? text->data() : empty_value,
                                   text->size(), keep, SQLITE_UTF8);
    } else if (const auto* bytes = std::get_if<ByteView>(&value)) {
        const void* data = bytes->data();
        code = sqlite3_bind_blob64(statement_, position, data ? data : empty_value, bytes->size(),
                                   keep);
    } else {
        code = sqlite3_bind_null(statement_, position);
    }
    if (code != SQLITE_OK) connection_.raise(code, sql_.text());
}

bool Statement::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    connection_.raise(code, sql_.text());
}

void Statement::finish() {
    sqlite3_reset(statement_);  // repeats the code that step() has already thrown
    running_ = false;
    --connection_.running_;
}

void Statement::expect(int column, int type) const {
    check(column >= 0 && column < columns_, "an SQL statement has this column");
    const int actual = sqlite3_column_type(statement_, column);
    if (actual == type) [[likely]]
        return;
    static constexpr const char* names[] = {"?", "integer", "real", "text", "bytes", "null"};
    throw Failure(Failure::Kind::other, "column " + std::to_string(column) + " is " +
                                            names[actual] + ", not " + names[type] +
                                            ", in: " + sql_.text());
}

Rows::~Rows() {
    if (statement_ != nullptr) statement_->finish();
}
bool Rows::next() {
    return statement_->step();
}

bool Rows::is_null(int column) const {
    return sqlite3_column_type(statement_->handle(), column) == SQLITE_NULL;
}
std::int64_t Rows::integer(int column) const {
    return sqlite3_value_int64(value_of(*statement_, column, SQLITE_INTEGER));
}
std::string_view Rows::text(int column) const {
    sqlite3_value* const value = value_of(*statement_, column, SQLITE_TEXT);
    const void* data = sqlite3_value_text(value);
    const int size = sqlite3_value_bytes(value);
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}
ByteView Rows::bytes(int column) const {
    sqlite3_value* const value = value_of(*statement_, column, SQLITE_BLOB);
    const void* data = sqlite3_value_blob(value);
    const int size = sqlite3_value_bytes(value);
    return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

}  // namespace roost::db
