#include "pds/sync/event_window.h"

#include <algorithm>

#include "base/check.h"

namespace roost::pds {

void EventWindow::start_after(std::int64_t seq) {
    entries_.clear();
    floor_ = newest_ = seq;
    begin_bytes_ = end_bytes_ = 0;
}

void EventWindow::append(FramedEvent event) {
    check(event.seq > newest_, "events come in the order of their numbers");
    newest_ = event.seq;
    end_bytes_ += event.frame->size();
    entries_.push_back({event.seq, std::move(event.frame), end_bytes_});
    while (entries_.size() > 1 && end_bytes_ - begin_bytes_ > bytes_max_) {
        floor_ = entries_.front().seq;
        begin_bytes_ = entries_.front().end;
        entries_.pop_front();
    }
}

std::size_t EventWindow::index_after(std::int64_t seq) const {
    // Nearly everybody asks for the last few.
    if (seq >= newest_) return entries_.size();
    const auto first = std::ranges::upper_bound(entries_, seq, {}, &Entry::seq);
    return static_cast<std::size_t>(first - entries_.begin());
}

std::int64_t EventWindow::copy_after(std::int64_t seq, std::size_t bytes_max,
                                     std::vector<net::SharedFrame>& to) const {
    check(reaches(seq), "what is asked of the window is in it");
    std::size_t bytes = 0;
    for (std::size_t i = index_after(seq); i < entries_.size() && bytes < bytes_max; ++i) {
        to.push_back(entries_[i].frame);
        bytes += entries_[i].frame->size();
        seq = entries_[i].seq;
    }
    return seq;
}

EventWindow::Lag EventWindow::lag_after(std::int64_t seq) const {
    const std::size_t index = index_after(seq);
    const std::uint64_t seen = index == 0 ? begin_bytes_ : entries_[index - 1].end;
    return {entries_.size() - index, static_cast<std::size_t>(end_bytes_ - seen)};
}

}  // namespace roost::pds
