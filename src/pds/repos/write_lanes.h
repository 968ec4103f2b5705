// One lane for each repository that is being written to: who is in it prepares the next commit,
// the others wait in the order they came.
//
// A commit is prepared on top of the one before, which may still be on its way to the disk: who has
// prepared one leaves the lane, and any number of commits are on their way. If one of them fails,
// so do those on top of it; then nobody enters until the last has ended, so that the next writer
// begins from what is stored and not from what is about to fail.
//
//     Lane lane = CO_TRY(co_await lanes.enter(account_id));  // may wait
//     … prepare …
//     Departure departure = std::move(lane).depart();
//     … co_await the database …
//     departure.set_durable();                               // or it has failed when it ends
//
// Made once, outlives what it hands out; any thread. A turn or departure may end on any thread.
#pragma once

#include <array>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/executor.h"
#include "base/result.h"
#include "base/task.h"

namespace roost::pds {

class WriteLanes {
  private:
    struct Waiter {
        std::coroutine_handle<> task;  // none: it has resumed, or was destroyed
        Executor* executor;
    };
    struct State {
        std::deque<std::shared_ptr<Waiter>> waiting;
        std::shared_ptr<Waiter> wants_empty;  // who is in the lane, waiting in it
        std::int64_t on_the_way = 0;
        bool is_taken = false;
        bool has_failed = false;  // since there was last nothing on the way
    };
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::int64_t, State> lanes;
    };
    // A lane in which something happens, or that is waited for.
    struct Place {
        Shard* shard;
        std::int64_t account_id;
    };
    class Entering;
    class Emptying;

  public:
    // A commit on its way.
    class Departure {
      public:
        Departure(Departure&& other) noexcept;
        Departure& operator=(Departure&&) = delete;
        ~Departure();
        void set_durable() { is_durable_ = true; }

      private:
        friend class WriteLanes;
        explicit Departure(Place place) : place_(place) {}
        Place place_;
        bool is_durable_ = false;
    };

    // The right to prepare the next commit; given back when it ends.
    class Lane {
      public:
        Lane(Lane&& other) noexcept;
        Lane& operator=(Lane&&) = delete;
        ~Lane();
        // Nothing is on the way: all that was prepared before is stored, or has failed.
        bool is_empty() const;
        // Until then.
        Task<void> emptied() const;
        Departure depart() &&;

      private:
        friend class WriteLanes;
        explicit Lane(Place place) : place_(place) {}
        Place place_;
    };

    // Errors: Fault::unavailable, if too many wait already.
    Task<Result<Lane>> enter(std::int64_t account_id);

  private:
    static void let_in(State& lane);
    static void resume(const std::shared_ptr<Waiter>& waiter);
    static void leave(Place place);
    static void arrive(Place place, bool is_durable);
    static void forget_if_unused(Place place);

    std::array<Shard, 16> shards_;
};

}  // namespace roost::pds
