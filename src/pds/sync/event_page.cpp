#include "pds/sync/event_page.h"

#include <algorithm>

#include "pds/sync/event_log.h"
#include "pds/sync/frames.h"

namespace roost::pds {

EventPagePtr read_page(db::Transaction& t, std::int64_t after, const PageLimits& page_limits) {
    auto page = std::make_shared<EventPage>(EventPage{after, {}});
    std::size_t bytes = 0;
    event_log::for_each_after(t, after, [&](const event_log::Stored& event) {
        page->events.push_back(
            {event.seq, event_frame(event.kind, event.seq, event.time, event.body)});
        bytes += page->events.back().frame->size();
        page->is_full =
            page->events.size() >= page_limits.events_max || bytes >= page_limits.bytes_max;
        return !page->is_full;
    });
    return page;
}

EventPagePtr EventPageCache::find(std::int64_t after) {
    auto found = pages_.upper_bound(after);
    if (found == pages_.begin()) return nullptr;
    --found;
    if (found->second.page->last() <= after) return nullptr;
    found->second.used = ++uses_;
    return found->second.page;
}

void EventPageCache::add(const EventPagePtr& page) {
    if (page->events.empty() || pages_max_ == 0) return;
    if (pages_.size() >= pages_max_) {
        pages_.erase(std::ranges::min_element(pages_, {},
                                              [](const auto& entry) { return entry.second.used; }));
    }
    pages_.insert_or_assign(page->after, Entry{page, ++uses_});
}

}  // namespace roost::pds
