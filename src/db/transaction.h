// What a store sees of the database: statements with parameters, rows with columns.
//
//     Rows rows = t.select("SELECT did, handle FROM account WHERE email = $1", email);
//     while (rows.next()) use(rows.text(0), rows.text(1));
//
// Parameters are $1 … $n, bound by name, each of them given once. Statements are prepared once per
// connection and kept by the address of their SQL, so SQL must be a string literal. A Rows ends
// before the next statement of the same SQL starts, and never outlives the transaction: both are
// checked. What goes wrong in SQL is thrown as a Failure (db/failure.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/clock.h"

namespace roost::db {

class Statement;

// A string literal, checked by the compiler: SQL is never put together at run time.
class Sql {
  public:
    template <std::size_t N>
    consteval Sql(const char (&text)[N]) : text_(text), size_(N - 1) {}
    const char* text() const { return text_; }
    std::size_t size() const { return size_; }

  private:
    const char* text_;
    std::size_t size_;
};

// A parameter: null, integer, text or bytes. A view must live until the call it is passed to
// returns.
class Parameter {
  public:
    Parameter(std::nullptr_t) : value_(nullptr) {}
    template <class I>
        requires std::is_integral_v<I>
    Parameter(I value) : value_(static_cast<std::int64_t>(value)) {}
    Parameter(std::string_view value) : value_(value) {}
    Parameter(const std::string& value) : value_(std::string_view(value)) {}
    Parameter(const char* value) : value_(std::string_view(value)) {}
    Parameter(ByteView value) : value_(value) {}
    Parameter(const Bytes& value) : value_(ByteView(value)) {}
    Parameter(Timestamp value) : value_(value.us) {}
    template <class T>
    Parameter(const std::optional<T>& value) : value_(nullptr) {
        if (value) *this = Parameter(*value);
    }

    const std::variant<std::nullptr_t, std::int64_t, std::string_view, ByteView>& value() const {
        return value_;
    }

  private:
    std::variant<std::nullptr_t, std::int64_t, std::string_view, ByteView> value_;
};

// The rows of a statement that runs step by step. A statement that changes something (INSERT …
// RETURNING) does so at the first next().
class Rows {
  public:
    explicit Rows(Statement* statement) : statement_(statement) {}
    Rows(Rows&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    Rows& operator=(Rows&&) = delete;
    ~Rows();  // the statement can be started again

    bool next();
    // Columns from 0. Views are valid until next(). A value of another type, or a null, is a
    // Failure.
    bool is_null(int column) const;
    std::int64_t integer(int column) const;
    std::string_view text(int column) const;
    ByteView bytes(int column) const;
    Timestamp time(int column) const { return {integer(column)}; }
    std::optional<std::string> optional_text(int column) const {
        if (is_null(column)) return std::nullopt;
        return std::string(text(column));
    }
    std::optional<Timestamp> optional_time(int column) const {
        if (is_null(column)) return std::nullopt;
        return time(column);
    }

  private:
    Statement* statement_;
};

class Transaction {
  public:
    template <class... P>
    Rows select(Sql sql, const P&... parameters) {
        const Parameter list[] = {Parameter(nullptr), Parameter(parameters)...};
        return start(sql, {list + 1, sizeof...(P)});
    }
    // Runs a statement that changes something; returns how many rows it changed.
    template <class... P>
    std::int64_t execute(Sql sql, const P&... parameters) {
        const Parameter list[] = {Parameter(nullptr), Parameter(parameters)...};
        return run(sql, {list + 1, sizeof...(P)});
    }

    virtual ~Transaction() = default;

  protected:
    virtual Rows start(Sql sql, std::span<const Parameter> parameters) = 0;
    virtual std::int64_t run(Sql sql, std::span<const Parameter> parameters) = 0;
};

}  // namespace roost::db
