// Rows for a person to read: columns as wide as their widest cell, two spaces apart.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace roost::app {

class Table {
  public:
    explicit Table(std::vector<std::string> titles) { rows_.push_back(std::move(titles)); }

    // As many cells as there are titles. An empty one is shown as "-".
    void add(std::vector<std::string> cells);
    std::string text() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

// "name   value" lines, the values in one column.
std::string list_of(const std::vector<std::pair<std::string, std::string>>& fields);

// "2026-11-23 05:20", in UTC: what fits into a table.
std::string minute_of(const std::string& iso8601);
// "1,234,567".
std::string grouped(std::int64_t number);

}  // namespace roost::app
