#include "app/verbs/table.h"

#include <algorithm>

#include "base/check.h"

namespace roost::app {

namespace {

constexpr std::size_t gap = 2;

// On the screen: bytes that begin a character.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// What others wrote must not move the cursor or colour the screen.
std::string shown(std::string text) {
    if (text.empty()) return "-";
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return text;
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    check(cells.size() == rows_.front().size(), "a row has a cell for each title");
    for (std::string& cell : cells)
        cell = shown(std::move(cell));
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::size_t> widths(rows_.front().size(), 0);
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], width_of(row[i]));
    std::string text;
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            if (i + 1 < row.size()) text.append(widths[i] - width_of(row[i]) + gap, ' ');
        }
        text += '\n';
    }
    return text;
}

std::string list_of(const std::vector<std::pair<std::string, std::string>>& fields) {
    std::size_t width = 0;
    for (const auto& [name, value] : fields)
        width = std::max(width, width_of(name));
    std::string text;
    for (const auto& [name, value] : fields)
        text += name + std::string(width - width_of(name) + gap, ' ') + shown(value) + '\n';
    return text;
}

std::string minute_of(const std::string& iso8601) {
    if (iso8601.size() < 16) return iso8601;
    std::string text = iso8601.substr(0, 16);
    text[10] = ' ';
    return text;
}

std::string grouped(std::int64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t place = text.size(); place > 3 && text[place - 4] != '-'; place -= 3)
        text.insert(place - 3, 1, ',');
    return text;
}

}  // namespace roost::app
