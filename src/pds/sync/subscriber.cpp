#include "pds/sync/subscriber.h"

#include <algorithm>

#include "base/check.h"
#include "pds/sync/firehose.h"
#include "pds/sync/frames.h"

namespace roost::pds {

Subscriber::~Subscriber() {
    check(socket_ == nullptr, "a subscriber outlives its socket");
    firehose_.subscribers_.fetch_sub(1);
}

void Subscriber::open(net::WebSocket& socket) {
    socket_ = &socket;
    firehose_.join(*this);
}

void Subscriber::ended() {
    firehose_.leave(*this);
    socket_ = nullptr;
    page_.reset();
}

void Subscriber::refuse(std::string_view name, std::string_view message) {
    is_refused_ = true;
    socket_->close(net::CloseCode::policy, name, error_frame(name, message));
}

void Subscriber::deliver() {
    if (is_refused_) return;
    const std::int64_t stalled_since_us = socket_->stalled_since_us();
    if (stalled_since_us == 0) {
        socket_->wake();
    } else if (was_up_to_date_ && firehose_.is_too_slow(position_, stalled_since_us)) {
        firehose_.too_slow_total_.fetch_add(1, std::memory_order_relaxed);
        refuse("ConsumerTooSlow", "Stream consumer too slow");
    }
}

Task<void> Subscriber::begin(std::vector<net::SharedFrame>& frames) {
    // From here on commits are told to this socket: what is not in the snapshot below, is.
    co_await firehose_.start();
    const Firehose::Beginning beginning = co_await firehose_.begin(cursor_, now());
    has_begun_ = true;
    position_ = beginning.position;
    if (cursor_ && *cursor_ > beginning.newest)
        refuse("FutureCursor", "Cursor in the future.");
    else if (beginning.is_outdated)
        frames.push_back(info_frame("OutdatedCursor",
                                    "Requested cursor exceeded limit. Possibly missing events"));
}

Task<void> Subscriber::next(std::vector<net::SharedFrame>& frames, std::size_t bytes_max) {
    if (!has_begun_) co_await begin(frames);
    while (!is_refused_ && frames.empty()) {
        if (page_) {
            take_from_page(frames, bytes_max);
            continue;
        }
        if (firehose_.take_recent(position_, bytes_max, frames, was_up_to_date_)) break;
        page_ = co_await firehose_.page_after(position_);
        const auto first =
            std::ranges::upper_bound(page_->events, position_, {}, &FramedEvent::seq);
        page_index_ = static_cast<std::size_t>(first - page_->events.begin());
        // What was between is deleted.
        if (page_->events.empty()) position_ = std::max(position_, page_->after);
    }
}

void Subscriber::take_from_page(std::vector<net::SharedFrame>& frames, std::size_t bytes_max) {
    std::size_t bytes = 0;
    const std::size_t before = frames.size();
    for (; page_index_ < page_->events.size() && bytes < bytes_max; ++page_index_) {
        const FramedEvent& event = page_->events[page_index_];
        check(event.seq > position_, "numbers rise along the stream");
        position_ = event.seq;
        frames.push_back(event.frame);
        bytes += event.frame->size();
    }
    firehose_.count(frames.size() - before, bytes);
    if (page_index_ == page_->events.size()) page_.reset();
}

}  // namespace roost::pds
