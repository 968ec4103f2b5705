#include "pds/sync/firehose.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "pds/sync/event_log.h"
#include "pds/sync/subscriber.h"

namespace roost::pds {

namespace {

// After a failed read of the log: the disk may recover.
constexpr std::int64_t retry_ms = 1'000;

}  // namespace

Firehose::Firehose(db::Database& db, const Options& options)
    : db_(db),
      options_(options),
      window_(options.window_bytes_max),
      pages_(options.cached_pages_max) {}

Result<std::shared_ptr<net::WebSocketFeed>> Firehose::subscribe(
    std::optional<std::int64_t> cursor) {
    const auto others = static_cast<std::size_t>(subscribers_.fetch_add(1));
    if (others >= options_.subscribers_max) {
        subscribers_.fetch_sub(1);
        return Error::unavailable("There are too many subscribers",
                                  limits::stream_full_retry_after_s);
    }
    return std::make_shared<Subscriber>(*this, cursor);
}

void Firehose::join(Subscriber& subscriber) {
    Executor& here = Executor::current();
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Hub>& hub = hubs_[&here];
    if (!hub) hub = std::make_shared<Hub>(here);
    hub->subscribers.push_back(&subscriber);
}

void Firehose::leave(Subscriber& subscriber) {
    const std::lock_guard lock(mutex_);
    const auto hub = hubs_.find(&Executor::current());
    check(hub != hubs_.end(), "a subscriber leaves on the thread that it joined on");
    std::erase(hub->second->subscribers, &subscriber);
    if (hub->second->subscribers.empty()) hubs_.erase(hub);
    if (!hubs_.empty()) return;
    // Nobody listens: nothing is kept, and commits cost nothing.
    is_started_ = false;
    window_.start_after(0);
    pages_.clear();
}

// Begins to fill the window, if that has not begun. Who calls it has joined.
Task<void> Firehose::start() {
    {
        const std::lock_guard lock(mutex_);
        if (is_started_) co_return;
    }
    const std::int64_t newest =
        co_await db_.read([](db::Transaction& t) { return event_log::newest(t); });
    {
        const std::lock_guard lock(mutex_);
        if (is_started_) co_return;
        is_started_ = true;
        window_.start_after(newest);
    }
    wake();  // for what was committed meanwhile
}

Task<Firehose::Beginning> Firehose::begin(std::optional<std::int64_t> cursor, Timestamp time) {
    const Timestamp oldest = time.plus_ms(-options_.backfill_ms);
    const std::int64_t outdated_through = outdated_through_.load();
    const Beginning beginning = co_await db_.read([&](db::Transaction& t) {
        const std::int64_t newest = event_log::newest(t);
        if (!cursor || *cursor >= newest) return Beginning{newest, newest, false};
        const std::int64_t pruned_through = event_log::pruned_through(t);
        const auto next = event_log::first_after(t, std::max(*cursor, pruned_through));
        if (*cursor >= pruned_through && (!next || next->time >= oldest))
            return Beginning{newest, *cursor, false};
        const auto first = event_log::first_since(
            t, oldest, std::max({*cursor, pruned_through, outdated_through}));
        return Beginning{newest, first ? *first - 1 : newest, true};
    });
    if (beginning.is_outdated && beginning.position > outdated_through)
        outdated_through_.store(beginning.position);
    co_return beginning;
}

Task<EventPagePtr> Firehose::page_after(std::int64_t seq) {
    {
        const std::lock_guard lock(mutex_);
        if (EventPagePtr page = pages_.find(seq)) co_return page;
    }
    EventPagePtr page =
        co_await db_.read([&](db::Transaction& t) { return read_page(t, seq, options_.page); });
    const std::lock_guard lock(mutex_);
    // Nothing is left between there and the window.
    if (page->events.empty())
        co_return std::make_shared<const EventPage>(EventPage{window_.floor(), {}});
    pages_.add(page);
    co_return page;
}

bool Firehose::take_recent(std::int64_t& position, std::size_t bytes_max,
                           std::vector<net::SharedFrame>& to, bool& is_up_to_date) {
    const std::size_t before = to.size();
    {
        const std::lock_guard lock(mutex_);
        if (!window_.reaches(position)) return false;
        position = window_.copy_after(position, bytes_max, to);
        if (position >= window_.newest()) is_up_to_date = true;
    }
    std::size_t bytes = 0;
    for (std::size_t i = before; i < to.size(); ++i)
        bytes += to[i]->size();
    count(to.size() - before, bytes);
    return true;
}

bool Firehose::is_too_slow(std::int64_t position, std::int64_t stalled_since_us) {
    EventWindow::Lag lag{};
    {
        const std::lock_guard lock(mutex_);
        if (!window_.reaches(position)) return true;
        lag = window_.lag_after(position);
    }
    const bool is_stuck = monotonic_us() - stalled_since_us >= options_.lag_grace_ms * 1'000;
    return lag.bytes > options_.lag_bytes_max || (is_stuck && lag.events > options_.lag_events_max);
}

void Firehose::count(std::size_t frames, std::size_t bytes) {
    frames_total_.fetch_add(static_cast<std::int64_t>(frames), std::memory_order_relaxed);
    bytes_total_.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
}

void Firehose::wake() {
    if (subscribers_.load() == 0 || is_advance_due_.exchange(true)) return;
    const std::lock_guard lock(mutex_);
    if (hubs_.empty()) {
        is_advance_due_ = false;  // who joins later looks for itself
        return;
    }
    hubs_.begin()->first->post([this] { start_detached(advance()); });
}

// Moves one page of new events into the window.
Task<void> Firehose::advance() {
    is_advance_due_ = false;
    std::int64_t after = 0;
    {
        const std::lock_guard lock(mutex_);
        if (!is_started_) co_return;
        if (is_reading_) {
            looks_again_ = true;
            co_return;
        }
        is_reading_ = true;
        after = window_.newest();
    }
    EventPagePtr page;
    try {
        page = co_await db_.read(
            [&](db::Transaction& t) { return read_page(t, after, options_.page); });
    } catch (const std::exception& exception) {
        log::error("the event log cannot be read", {{"reason", exception.what()}});
        Executor::current().post_after(retry_ms, [this] { wake(); });
    }
    bool has_grown = false;
    bool looks_again = page && page->is_full;
    {
        const std::lock_guard lock(mutex_);
        is_reading_ = false;
        looks_again |= std::exchange(looks_again_, false);
        // Everybody may have left, and others come, while this was read.
        has_grown = page && !page->events.empty() && is_started_ && window_.newest() == after;
        for (std::size_t i = 0; has_grown && i < page->events.size(); ++i)
            window_.append(page->events[i]);
    }
    if (looks_again) wake();
    if (!has_grown) co_return;
    events_total_.fetch_add(static_cast<std::int64_t>(page->events.size()),
                            std::memory_order_relaxed);
    tell_hubs();
}

void Firehose::tell_hubs() {
    std::vector<std::shared_ptr<Hub>> hubs;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [executor, hub] : hubs_)
            hubs.push_back(hub);
    }
    for (const std::shared_ptr<Hub>& hub : hubs) {
        if (&hub->executor == &Executor::current()) {
            deliver(*hub, *this);
        } else if (!hub->is_told.exchange(true)) {
            hub->executor.post([hub, this] {
                hub->is_told = false;
                deliver(*hub, *this);
            });
        }
    }
}

void Firehose::deliver(Hub& hub, Firehose& firehose) {
    std::int64_t last = std::numeric_limits<std::int64_t>::max();
    for (Subscriber* subscriber : hub.subscribers) {
        subscriber->deliver();
        if (subscriber->has_begun()) last = std::min(last, subscriber->position());
    }
    const std::lock_guard lock(firehose.mutex_);
    hub.lag_events = static_cast<std::int64_t>(firehose.window_.lag_after(last).events);
}

Task<Result<void>> Firehose::prune(Timestamp time) {
    const Timestamp before = time.plus_ms(-options_.backfill_ms);
    while (true) {
        const auto body = [before](db::Transaction& t) -> Result<std::int64_t> {
            return event_log::prune(t, before, limits::stream_prune_batch);
        };
        const std::int64_t pruned = CO_TRY(co_await db_.write(body));
        if (pruned < limits::stream_prune_batch) co_return Result<void>();
        co_await sleep_ms(limits::stream_prune_pause_ms);
    }
}

Firehose::Stats Firehose::stats() const {
    Stats stats{.subscribers = subscribers_,
                .events_total = events_total_,
                .frames_total = frames_total_,
                .bytes_total = bytes_total_,
                .too_slow_total = too_slow_total_,
                .lag_events = 0};
    const std::lock_guard lock(mutex_);
    for (const auto& [executor, hub] : hubs_)
        stats.lag_events = std::max(stats.lag_events, hub->lag_events.load());
    return stats;
}

}  // namespace roost::pds
