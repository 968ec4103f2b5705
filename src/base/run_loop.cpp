#include "base/run_loop.h"

#include <chrono>

#include "base/clock.h"

namespace roost {

namespace {
thread_local Executor* current_executor = nullptr;
}

Executor& Executor::current() {
    check(current_executor != nullptr, "this thread runs tasks");
    return *current_executor;
}
bool Executor::is_on_one() {
    return current_executor != nullptr;
}
void Executor::set_current(Executor* executor) {
    current_executor = executor;
}

RunLoop::RunLoop() {
    set_current(this);
}
RunLoop::~RunLoop() {
    set_current(nullptr);
}

void RunLoop::post(Work work) {
    // Notified under the lock: the loop may end as soon as it has seen the work.
    const std::lock_guard lock(mutex_);
    ready_.push_back(std::move(work));
    wake_.notify_one();
}

void RunLoop::post_after(std::int64_t delay_ms, Work work) {
    const std::lock_guard lock(mutex_);
    later_.emplace(monotonic_us() + delay_ms * 1'000, std::move(work));
    wake_.notify_one();
}

void RunLoop::serve_one() {
    std::unique_lock lock(mutex_);
    while (true) {
        if (!later_.empty() && later_.begin()->first <= monotonic_us()) {
            ready_.push_back(std::move(later_.begin()->second));
            later_.erase(later_.begin());
        }
        if (!ready_.empty()) break;
        if (later_.empty())
            wake_.wait(lock);
        else
            wake_.wait_for(lock, std::chrono::microseconds(later_.begin()->first - monotonic_us()));
    }
    Work work = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    work();
}

}  // namespace roost
