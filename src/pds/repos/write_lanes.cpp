#include "pds/repos/write_lanes.h"

#include <utility>

#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds {

// Suspends until the lane is the task's own; false if the line is too long.
class WriteLanes::Entering {
  public:
    explicit Entering(Place place) : place_(place) {}
    Entering(const Entering&) = delete;
    Entering& operator=(const Entering&) = delete;
    ~Entering() {
        if (!waiter_) return;
        // The task was destroyed while it waited.
        std::unique_lock lock(place_.shard->mutex);
        waiter_->task = nullptr;
        State& lane = place_.shard->lanes.at(place_.account_id);
        if (std::erase(lane.waiting, waiter_) > 0) return;
        lock.unlock();
        leave(place_);
    }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> task) {
        const std::lock_guard lock(place_.shard->mutex);
        State& lane = place_.shard->lanes[place_.account_id];
        if (lane.waiting.size() >= limits::writers_waiting_max) {
            is_refused_ = true;
            return false;
        }
        waiter_ = std::make_shared<Waiter>(task, &Executor::current());
        lane.waiting.push_back(waiter_);
        if (lane.waiting.size() > 1 || !may_enter(lane)) return true;
        lane.waiting.pop_front();
        lane.is_taken = true;
        return false;
    }
    bool await_resume() {
        waiter_.reset();
        return !is_refused_;
    }

    static bool may_enter(const State& lane) {
        return !lane.is_taken && !(lane.has_failed && lane.on_the_way > 0);
    }

  private:
    Place place_;
    std::shared_ptr<Waiter> waiter_;  // until it has resumed
    bool is_refused_ = false;
};

// For who is in the lane.
class WriteLanes::Emptying {
  public:
    explicit Emptying(Place place) : place_(place) {}
    Emptying(const Emptying&) = delete;
    Emptying& operator=(const Emptying&) = delete;
    ~Emptying() {
        if (!waiter_) return;
        const std::lock_guard lock(place_.shard->mutex);
        waiter_->task = nullptr;
        place_.shard->lanes.at(place_.account_id).wants_empty.reset();
    }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> task) {
        const std::lock_guard lock(place_.shard->mutex);
        State& lane = place_.shard->lanes.at(place_.account_id);
        check(lane.is_taken && !lane.wants_empty, "who is in a lane waits in it, alone");
        if (lane.on_the_way == 0) return false;
        waiter_ = std::make_shared<Waiter>(task, &Executor::current());
        lane.wants_empty = waiter_;
        return true;
    }
    void await_resume() { waiter_.reset(); }

  private:
    Place place_;
    std::shared_ptr<Waiter> waiter_;
};

void WriteLanes::resume(const std::shared_ptr<Waiter>& waiter) {
    waiter->executor->post([waiter] {
        if (std::coroutine_handle<> task = std::exchange(waiter->task, nullptr)) task.resume();
    });
}

void WriteLanes::let_in(State& lane) {
    if (lane.waiting.empty() || !Entering::may_enter(lane)) return;
    const std::shared_ptr<Waiter> next = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    lane.is_taken = true;
    resume(next);
}

void WriteLanes::forget_if_unused(Place place) {
    const auto found = place.shard->lanes.find(place.account_id);
    const State& lane = found->second;
    if (!lane.is_taken && lane.on_the_way == 0 && lane.waiting.empty())
        place.shard->lanes.erase(found);
}

void WriteLanes::leave(Place place) {
    const std::lock_guard lock(place.shard->mutex);
    State& lane = place.shard->lanes.at(place.account_id);
    check(lane.is_taken, "who leaves a lane was in it");
    lane.is_taken = false;
    let_in(lane);
    forget_if_unused(place);
}

void WriteLanes::arrive(Place place, bool is_durable) {
    const std::lock_guard lock(place.shard->mutex);
    State& lane = place.shard->lanes.at(place.account_id);
    check(lane.on_the_way > 0, "what arrives was on its way");
    --lane.on_the_way;
    if (!is_durable) lane.has_failed = true;
    if (lane.on_the_way == 0) {
        lane.has_failed = false;
        if (lane.wants_empty) resume(std::exchange(lane.wants_empty, nullptr));
    }
    let_in(lane);
    forget_if_unused(place);
}

Task<Result<WriteLanes::Lane>> WriteLanes::enter(std::int64_t account_id) {
    const Place place{&shards_[static_cast<std::size_t>(account_id) % shards_.size()], account_id};
    if (!co_await Entering(place))
        co_return Error::unavailable("Too many writes to this repository at once", 1);
    co_return Lane(place);
}

WriteLanes::Lane::Lane(Lane&& other) noexcept : place_(std::exchange(other.place_, {})) {}

WriteLanes::Lane::~Lane() {
    if (place_.shard != nullptr) leave(place_);
}

bool WriteLanes::Lane::is_empty() const {
    const std::lock_guard lock(place_.shard->mutex);
    return place_.shard->lanes.at(place_.account_id).on_the_way == 0;
}

Task<void> WriteLanes::Lane::emptied() const {
    co_await Emptying(place_);
}

WriteLanes::Departure WriteLanes::Lane::depart() && {
    const Place place = std::exchange(place_, {});
    {
        const std::lock_guard lock(place.shard->mutex);
        ++place.shard->lanes.at(place.account_id).on_the_way;
    }
    leave(place);
    return Departure(place);
}

WriteLanes::Departure::Departure(Departure&& other) noexcept
    : place_(std::exchange(other.place_, {})), is_durable_(other.is_durable_) {}

WriteLanes::Departure::~Departure() {
    if (place_.shard != nullptr) arrive(place_, is_durable_);
}

}  // namespace roost::pds
