#include "db/row_versions.h"

namespace roost::db {

RowVersions::RowVersions(const std::vector<std::string>& tables) : tables_(tables) {}

void RowVersions::note(std::string_view table, std::int64_t rowid) {
    for (std::size_t i = 0; i < tables_.size(); ++i)
        if (tables_[i] == table) noted_.push_back(slot(i, rowid));
}

void RowVersions::publish() {
    if (noted_.empty()) return;
    // The epoch first: who reads it afterwards, and then a version, may have seen old rows with a
    // new version only if the epoch tells.
    epoch_.fetch_add(1, std::memory_order_acq_rel);
    for (const std::size_t slot : noted_)
        slots_[slot].fetch_add(1, std::memory_order_acq_rel);
    noted_.clear();
}

}  // namespace roost::db
