#include "app/jobs.h"

#include <chrono>
#include <exception>
#include <thread>

#include "base/clock.h"
#include "base/log.h"

namespace roost::app {

void Jobs::every(std::int64_t period_ms, std::string name, std::function<Task<void>()> work) {
    auto job = std::make_shared<Job>(Job{period_ms, std::move(name), std::move(work)});
    state_->executor.post([state = state_, job] { start(state, job); });
}

void Jobs::start(std::shared_ptr<State> state, std::shared_ptr<Job> job) {
    ++state->running;
    if (state->is_stopping) {
        --state->running;
        return;
    }
    start_detached(run_once(state, job));
}

Task<void> Jobs::run_once(std::shared_ptr<State> state, std::shared_ptr<Job> job) {
    try {
        co_await job->work();
    } catch (const std::exception& exception) {
        log::error("a background job failed", {{"job", job->name}, {"reason", exception.what()}});
    }
    --state->running;
    if (state->is_stopping) co_return;
    state->executor.post_after(job->period_ms, [state, job] { start(state, job); });
}

void Jobs::stop(std::int64_t deadline_ms) {
    state_->is_stopping = true;
    const std::int64_t until_us = monotonic_us() + deadline_ms * 1'000;
    while (state_->running > 0 && monotonic_us() < until_us)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace roost::app
