// How often a host that strangers name is asked, whoever makes us: nobody may use this server to
// flood another one. Counted for the very name and, together, for all names of its last two labels.
//
// In memory, bounded; any thread. Counts start over each limits::fetch_window_s.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace roost::pds {

class FetchLimit {
  public:
    // Whether the host may be asked once more; counts it if so. A port counts as part of the name.
    bool take(std::string_view host, Timestamp now);

  private:
    std::mutex mutex_;
    std::int64_t window_ = 0;  // number of the window that is counted
    std::unordered_map<std::string, std::int64_t> counts_;
};

}  // namespace roost::pds
