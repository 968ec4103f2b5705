// What was looked up before, and the look-ups that are under way.
//
// In memory and bounded; any thread. Nothing here asks anybody: a Flight is one look-up that many
// tasks wait for, each on its own executor; who is told to fly looks the thing up, calls store()
// and end_flight(), and lands the flight.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"

namespace roost::pds {

// What a look-up gives: nothing if there is no such thing.
template <class T>
using Found = Result<std::optional<T>>;

// One look-up, for everybody who asks meanwhile.
template <class T>
class Flight {
    // Touched on the thread of its executor only.
    struct Waiter {
        std::coroutine_handle<> task;
        Executor* executor;

        void resume() {
            if (std::coroutine_handle<> waiting = std::exchange(task, nullptr)) waiting.resume();
        }
    };

  public:
    // Suspends until the answer is there, or the time is over. A task may be destroyed while it
    // waits.
    class Landing {
      public:
        Landing(Flight& flight, std::optional<std::int64_t> wait_ms)
            : flight_(flight), wait_ms_(wait_ms) {}
        Landing(const Landing&) = delete;
        Landing& operator=(const Landing&) = delete;
        ~Landing() {
            if (waiter_) waiter_->task = nullptr;
        }

        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> task);
        // Nothing: the time is over.
        std::optional<Found<T>> await_resume();

      private:
        Flight& flight_;  // whoever awaits holds it
        std::optional<std::int64_t> wait_ms_;
        std::shared_ptr<Waiter> waiter_;
    };
    Landing landing(std::optional<std::int64_t> wait_ms = std::nullopt) {
        return Landing(*this, wait_ms);
    }

    // Once. Wakes everybody who waits.
    void land(Found<T> answer);

  private:
    std::mutex mutex_;  // guards both
    std::optional<Found<T>> answer_;
    std::vector<std::shared_ptr<Waiter>> waiting_;
};

template <class T>
class LookUpCache {
  public:
    struct Options {
        // Ages of an answer: from the first it is looked up again while it is still given out, from
        // the second it is not given out.
        std::int64_t stale_ms;
        std::int64_t max_ms;
        // That there is no such thing, or a failure, is kept for so long; a failure does not
        // replace an answer that is not too old.
        std::int64_t retry_ms;
        std::size_t entries_max;
        std::size_t bytes_max;    // of all entries together, as store() is told
        std::size_t flights_max;  // beyond, nobody is told to fly
    };
    explicit LookUpCache(Options options) : options_(options) {}

    struct Answer {
        std::optional<Found<T>> remembered;
        // To wait for, if nothing is remembered. Null, then: too much is looked up as it is.
        std::shared_ptr<Flight<T>> flight;
        bool must_fly = false;
    };
    Answer ask(const std::string& key, Timestamp now);
    // Whether ask() would answer at once.
    bool remembers(const std::string& key, Timestamp now) const {
        const std::lock_guard lock(mutex_);
        const auto known = by_key_.find(key);
        return known != by_key_.end() && !is_too_old(*known->second, now);
    }

    void store(const std::string& key, const Found<T>& found, std::size_t bytes, Timestamp now);
    // Whoever asks from here on does not wait for it.
    void end_flight(const std::string& key);

    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return entries_.size();
    }

  private:
    struct Entry {
        std::string key;
        Found<T> found;
        std::size_t bytes;
        Timestamp found_at;
        Timestamp ask_again_at;
    };
    using Entries = std::list<Entry>;  // the last used first

    static bool has_thing(const Found<T>& found) { return found.has_value() && found->has_value(); }
    bool is_too_old(const Entry& entry, Timestamp now) const {
        const std::int64_t age_ms_max =
            has_thing(entry.found) ? options_.max_ms : options_.retry_ms;
        return now >= entry.found_at.plus_ms(age_ms_max);
    }
    void erase(typename Entries::iterator entry) {
        bytes_ -= entry->bytes;
        by_key_.erase(entry->key);
        entries_.erase(entry);
    }

    const Options options_;
    mutable std::mutex mutex_;  // guards what follows
    Entries entries_;
    std::size_t bytes_ = 0;
    std::unordered_map<std::string, typename Entries::iterator> by_key_;
    std::unordered_map<std::string, std::shared_ptr<Flight<T>>> flights_;
};

template <class T>
bool Flight<T>::Landing::await_suspend(std::coroutine_handle<> task) {
    const std::lock_guard lock(flight_.mutex_);
    if (flight_.answer_) return false;
    waiter_ = std::make_shared<Waiter>(task, &Executor::current());
    flight_.waiting_.push_back(waiter_);
    if (wait_ms_)
        waiter_->executor->post_after(*wait_ms_, [waiter = waiter_] { waiter->resume(); });
    return true;
}

template <class T>
std::optional<Found<T>> Flight<T>::Landing::await_resume() {
    waiter_.reset();
    const std::lock_guard lock(flight_.mutex_);
    check(flight_.answer_.has_value() || wait_ms_,
          "who waits for a look-up resumes when it has ended");
    return flight_.answer_;
}

template <class T>
void Flight<T>::land(Found<T> answer) {
    std::vector<std::shared_ptr<Waiter>> waiting;
    {
        const std::lock_guard lock(mutex_);
        check(!answer_, "a look-up ends once");
        answer_.emplace(std::move(answer));
        waiting.swap(waiting_);
    }
    for (std::shared_ptr<Waiter>& waiter : waiting) {
        Executor& executor = *waiter->executor;
        executor.post([waiter = std::move(waiter)] { waiter->resume(); });
    }
}

template <class T>
LookUpCache<T>::Answer LookUpCache<T>::ask(const std::string& key, Timestamp now) {
    const std::lock_guard lock(mutex_);
    Answer answer;
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
        entries_.splice(entries_.begin(), entries_, known->second);
        const Entry& entry = *known->second;
        if (!is_too_old(entry, now)) {
            answer.remembered = entry.found;
            if (now < entry.ask_again_at) return answer;
        }
    }
    if (const auto flight = flights_.find(key); flight != flights_.end()) {
        answer.flight = flight->second;
    } else if (flights_.size() < options_.flights_max) {
        answer.flight = flights_.emplace(key, std::make_shared<Flight<T>>()).first->second;
        answer.must_fly = true;
    }
    return answer;
}

template <class T>
void LookUpCache<T>::store(const std::string& key, const Found<T>& found, std::size_t bytes,
                           Timestamp now) {
    const std::lock_guard lock(mutex_);
    const auto known = by_key_.find(key);
    if (!found.has_value() && known != by_key_.end() && has_thing(known->second->found) &&
        !is_too_old(*known->second, now)) {
        known->second->ask_again_at = now.plus_ms(options_.retry_ms);
        return;
    }
    if (known != by_key_.end()) erase(known->second);
    const std::int64_t fresh_ms = has_thing(found) ? options_.stale_ms : options_.retry_ms;
    entries_.push_front({key, found, bytes, now, now.plus_ms(fresh_ms)});
    by_key_.emplace(key, entries_.begin());
    bytes_ += bytes;
    while (entries_.size() > options_.entries_max || bytes_ > options_.bytes_max)
        erase(std::prev(entries_.end()));
}

template <class T>
void LookUpCache<T>::end_flight(const std::string& key) {
    const std::lock_guard lock(mutex_);
    flights_.erase(key);
}

}  // namespace roost::pds
