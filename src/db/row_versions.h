// Which rows may have changed: a number for each row of the watched tables, that rises after every
// commit that touched the row. Whoever keeps a copy of a row compares numbers instead of reading it
// again.
//
// Rows share slots, so a number can rise without need, never the other way round. Changes are noted
// by the writer's connection, row by row, whatever statement made them (cascades too), and
// published after the commit, before anybody who waited for it goes on. note() and publish() on the
// writer thread; the rest on any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

namespace roost::db {

class RowVersions {
  public:
    explicit RowVersions(const std::vector<std::string>& tables);

    void note(std::string_view table, std::int64_t rowid);
    void publish();

    // How often changes were published. Equal before and after a read: the read saw what the
    // versions taken after it stand for.
    std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
    std::uint64_t version(std::size_t table, std::int64_t rowid) const {
        check(table < tables_.size(), "the versions of a watched table are asked for");
        return slots_[slot(table, rowid)].load(std::memory_order_acquire);
    }

  private:
    static constexpr std::size_t slots_count = 4096;
    static std::size_t slot(std::size_t table, std::int64_t rowid) {
        return (static_cast<std::uint64_t>(rowid) * 0x9E3779B97F4A7C15U + table * 0x517CC1B7U) %
               slots_count;
    }

    const std::vector<std::string> tables_;
    std::vector<std::size_t> noted_;  // slots, until the commit
    std::atomic<std::uint64_t> epoch_ = 0;
    std::array<std::atomic<std::uint64_t>, slots_count> slots_{};
};

}  // namespace roost::db
