// The event stream: every committed event, in order, to every subscriber.
//
// A subscriber is a feed (net/websocket.h) with a position, the number of the last event that it
// was given. What comes next is found in one of two places, by the position alone: in the window of
// recent frames, which all share, or on disk, a page at a time; pages that several subscribers want
// are read once. So there is no moment of crossing over at which an event could be lost or come
// twice. Nobody waits for a subscriber: one that has been up to date, and then does not take what
// is sent while more and more comes, gets ConsumerTooSlow and is let go.
//
// After a commit the writer thread calls wake(), which posts to the event loop that reads new rows
// into the window; the window's growth is then told to each loop that has subscribers. Without
// subscribers a commit costs one load, and nothing is read or kept.
//
// Any thread, except that a subscriber belongs to the loop of its socket. It must outlive the event
// loops' last work.
// https://atproto.com/specs/event-stream, https://atproto.com/specs/sync
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "net/websocket.h"
#include "pds/limits.h"
#include "pds/sync/event_page.h"
#include "pds/sync/event_window.h"

namespace roost::pds {

class Subscriber;

class Firehose {
  public:
    struct Options {
        // How far back a cursor may reach.
        std::int64_t backfill_ms = 24 * 60 * 60 * 1'000;
        // A subscriber that takes nothing may be so many events behind …
        std::size_t lag_events_max = 500;
        // … after this time without a byte taken; and never more bytes than this.
        std::int64_t lag_grace_ms = limits::stream_lag_grace_ms;
        std::size_t lag_bytes_max = limits::stream_lag_bytes_max;
        std::size_t window_bytes_max = limits::stream_window_bytes_max;
        PageLimits page = {};
        std::size_t cached_pages_max = limits::stream_cached_pages_max;
        std::size_t subscribers_max = limits::stream_subscribers_max;
    };
    Firehose(db::Database& db, const Options& options);

    // There may be new events. Any thread, cheap.
    void wake();

    // A feed for one socket: what comes after the cursor, or only what is yet to come. A cursor
    // that is out of range is answered within the stream. Errors: unavailable, if there are too
    // many subscribers.
    Result<std::shared_ptr<net::WebSocketFeed>> subscribe(std::optional<std::int64_t> cursor);

    // Deletes events that are too old for any cursor, a batch at a time.
    Task<Result<void>> prune(Timestamp time);

    struct Stats {
        std::int64_t subscribers = 0;
        std::int64_t events_total = 0;    // that entered the window
        std::int64_t frames_total = 0;    // handed to subscribers
        std::int64_t bytes_total = 0;     // the same
        std::int64_t too_slow_total = 0;  // subscribers that were cut off
        std::int64_t lag_events = 0;      // of the subscriber that is farthest behind
    };
    Stats stats() const;

  private:
    friend class Subscriber;

    // The subscribers of one event loop. The list is its thread's.
    struct Hub {
        explicit Hub(Executor& the_executor) : executor(the_executor) {}
        Executor& executor;
        std::vector<Subscriber*> subscribers;
        std::atomic<bool> is_told = false;
        std::atomic<std::int64_t> lag_events = 0;
    };

    // Of a subscriber, on its thread.
    void join(Subscriber& subscriber);
    void leave(Subscriber& subscriber);
    Task<void> start();
    struct Beginning {
        std::int64_t newest;
        std::int64_t position;
        bool is_outdated;
    };
    Task<Beginning> begin(std::optional<std::int64_t> cursor, Timestamp time);
    Task<EventPagePtr> page_after(std::int64_t seq);
    // False if the window does not reach that far back. Counts what it gives.
    bool take_recent(std::int64_t& position, std::size_t bytes_max,
                     std::vector<net::SharedFrame>& to, bool& is_up_to_date);
    bool is_too_slow(std::int64_t position, std::int64_t stalled_since_us);
    void count(std::size_t frames, std::size_t bytes);

    Task<void> advance();
    void tell_hubs();
    static void deliver(Hub& hub, Firehose& firehose);

    db::Database& db_;
    const Options options_;

    std::atomic<std::int64_t> subscribers_ = 0;
    std::atomic<bool> is_advance_due_ = false;
    std::atomic<std::int64_t> events_total_ = 0;
    std::atomic<std::int64_t> frames_total_ = 0;
    std::atomic<std::int64_t> bytes_total_ = 0;
    std::atomic<std::int64_t> too_slow_total_ = 0;
    // Up to here all events are older than a cursor may reach.
    std::atomic<std::int64_t> outdated_through_ = 0;

    mutable std::mutex mutex_;  // guards what follows
    EventWindow window_;
    bool is_started_ = false;
    bool is_reading_ = false;
    bool looks_again_ = false;  // there was a commit meanwhile
    EventPageCache pages_;
    std::map<Executor*, std::shared_ptr<Hub>> hubs_;
};

}  // namespace roost::pds
