// Work that repeats by itself: what is swept, settled and deleted in the background.
//
// Jobs run on one event loop, each again a while after it has ended, never two of a kind at once. A
// job that throws is logged and runs again.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/executor.h"
#include "base/task.h"

namespace roost::app {

class Jobs {
  public:
    explicit Jobs(Executor& executor) : state_(std::make_shared<State>(executor)) {}

    // The first run starts at once. What the work uses must live until the executor has ended.
    void every(std::int64_t period_ms, std::string name, std::function<Task<void>()> work);

    // No job starts after this; returns when none runs any more, or after the deadline. Not to be
    // called on the executor's thread.
    void stop(std::int64_t deadline_ms);

  private:
    struct State {
        explicit State(Executor& e) : executor(e) {}
        Executor& executor;
        std::atomic<bool> is_stopping = false;
        std::atomic<int> running = 0;
    };
    struct Job {
        std::int64_t period_ms;
        std::string name;
        std::function<Task<void>()> work;
    };
    static void start(std::shared_ptr<State> state, std::shared_ptr<Job> job);
    static Task<void> run_once(std::shared_ptr<State> state, std::shared_ptr<Job> job);

    std::shared_ptr<State> state_;
};

}  // namespace roost::app
