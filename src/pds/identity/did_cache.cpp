#include "pds/identity/did_cache.h"

#include <utility>

#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds {

Flight::Landing Flight::landing() {
    return Landing(*this);
}

bool Flight::Landing::await_suspend(std::coroutine_handle<> task) {
    const std::lock_guard lock(flight_.mutex_);
    if (flight_.answer_) return false;
    waiter_ = std::make_shared<Waiter>(task, &Executor::current());
    flight_.waiting_.push_back(waiter_);
    return true;
}

FoundDocument Flight::Landing::await_resume() {
    waiter_.reset();
    const std::lock_guard lock(flight_.mutex_);
    check(flight_.answer_.has_value(), "who waits for a look-up resumes when it has ended");
    return *flight_.answer_;
}

void Flight::land(FoundDocument answer) {
    std::vector<std::shared_ptr<Waiter>> waiting;
    {
        const std::lock_guard lock(mutex_);
        check(!answer_, "a look-up ends once");
        answer_.emplace(std::move(answer));
        waiting.swap(waiting_);
    }
    for (std::shared_ptr<Waiter>& waiter : waiting) {
        Executor& executor = *waiter->executor;
        executor.post([waiter = std::move(waiter)] {
            if (std::coroutine_handle<> task = std::exchange(waiter->task, nullptr)) task.resume();
        });
    }
}

namespace {

bool has_document(const FoundDocument& found) {
    return found.has_value() && found->has_value();
}

}  // namespace

bool DidCache::is_too_old(const Entry& entry, Timestamp now) const {
    const std::int64_t age_ms_max = has_document(entry.found) ? ages_.max_ms : limits::did_retry_ms;
    return now >= entry.found_at.plus_ms(age_ms_max);
}

DidCache::Answer DidCache::ask(const atproto::Did& did, Timestamp now) {
    const std::lock_guard lock(mutex_);
    Answer answer;
    if (const auto known = by_did_.find(did.text()); known != by_did_.end()) {
        entries_.splice(entries_.begin(), entries_, known->second);
        const Entry& entry = *known->second;
        if (!is_too_old(entry, now)) {
            answer.remembered = entry.found;
            if (now < entry.ask_again_at) return answer;
        }
    }
    auto [flight, is_new] = flights_.try_emplace(did.text());
    if (is_new) flight->second = std::make_shared<Flight>();
    answer.flight = flight->second;
    answer.must_fly = is_new;
    return answer;
}

void DidCache::store(const atproto::Did& did, const FoundDocument& found, Timestamp now) {
    const std::lock_guard lock(mutex_);
    const auto known = by_did_.find(did.text());
    if (!found.has_value() && known != by_did_.end() && has_document(known->second->found) &&
        !is_too_old(*known->second, now)) {
        known->second->ask_again_at = now.plus_ms(limits::did_retry_ms);
        return;
    }
    if (known != by_did_.end()) {
        entries_.erase(known->second);
        by_did_.erase(known);
    }
    const std::int64_t fresh_ms = has_document(found) ? ages_.stale_ms : limits::did_retry_ms;
    entries_.push_front({did, found, now, now.plus_ms(fresh_ms)});
    by_did_.emplace(did.text(), entries_.begin());
    if (entries_.size() > limits::cached_did_documents_max) {
        by_did_.erase(entries_.back().did.text());
        entries_.pop_back();
    }
}

void DidCache::end_flight(const atproto::Did& did) {
    const std::lock_guard lock(mutex_);
    flights_.erase(did.text());
}

std::size_t DidCache::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace roost::pds
