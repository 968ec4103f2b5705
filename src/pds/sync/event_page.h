// Pages of the event log as frames: how subscribers catch up from disk, and a cache for pages that
// several of them want.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "db/transaction.h"
#include "pds/limits.h"
#include "pds/sync/event_window.h"

namespace roost::pds {

// Every event after one number, up to the last one in the page. That never changes.
struct EventPage {
    std::int64_t after;
    std::vector<FramedEvent> events;
    bool is_full = false;  // a limit ended it, not the end of the log

    std::int64_t last() const { return events.empty() ? after : events.back().seq; }
};
using EventPagePtr = std::shared_ptr<const EventPage>;

struct PageLimits {
    std::size_t events_max = limits::stream_page_events_max;
    std::size_t bytes_max = limits::stream_page_bytes_max;
};

EventPagePtr read_page(db::Transaction& t, std::int64_t after, const PageLimits& page_limits);

// The pages that were wanted last. Not for several threads.
class EventPageCache {
  public:
    explicit EventPageCache(std::size_t pages_max) : pages_max_(pages_max) {}

    // A page that goes on after that number, perhaps in its middle; null if there is none.
    EventPagePtr find(std::int64_t after);
    void add(const EventPagePtr& page);
    void clear() { pages_.clear(); }

  private:
    struct Entry {
        EventPagePtr page;
        std::uint64_t used;
    };
    const std::size_t pages_max_;
    std::uint64_t uses_ = 0;
    std::map<std::int64_t, Entry> pages_;  // by what they go on after
};

}  // namespace roost::pds
