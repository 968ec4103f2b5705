// What the database throws: the world broke, or the SQL is wrong. The kind says what can be done.
//
// One failure is not thrown: when fsync fails, nobody knows what is on the disk and a second try
// can report success for lost data, so the process ends (connection.cpp).
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace roost::db {

class Failure : public std::exception {
  public:
    enum class Kind {
        disk_full,  // writes resume when there is space
        io_error,
        corrupt,     // the file is damaged or not a database
        busy,        // another process holds a lock
        constraint,  // UNIQUE, NOT NULL, CHECK, FOREIGN KEY
        other,       // wrong SQL, out of memory, a value of another type than asked for
    };

    Failure(Kind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
    Kind kind() const { return kind_; }
    const char* what() const noexcept override { return message_.c_str(); }

  private:
    Kind kind_;
    std::string message_;
};

}  // namespace roost::db
