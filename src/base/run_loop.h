// A single-threaded Executor that runs tasks to their end: for tests and command line verbs.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <type_traits>

#include "base/executor.h"
#include "base/task.h"

namespace roost {

class RunLoop final : public Executor {
  public:
    RunLoop();
    ~RunLoop() override;
    RunLoop(const RunLoop&) = delete;
    RunLoop& operator=(const RunLoop&) = delete;

    void post(Work work) override;
    void post_after(std::int64_t delay_ms, Work work) override;

    // Starts the task on this thread and serves posted work until the task has ended.
    template <class T>
    T run(Task<T> task) {
        std::conditional_t<std::is_void_v<T>, std::optional<bool>, std::optional<T>> value;
        std::exception_ptr error;
        bool finished = false;
        start_detached(finish<T>(std::move(task), value, error, finished));
        while (!finished)  // NOLINT(bugprone-infinite-loop): finish() sets it
            serve_one();
        if (error) std::rethrow_exception(error);
        if constexpr (!std::is_void_v<T>) return std::move(*value);
    }

  private:
    template <class T, class V>
    static Task<void> finish(Task<T> task, V& value, std::exception_ptr& error, bool& finished) {
        try {
            if constexpr (std::is_void_v<T>)
                co_await std::move(task);
            else
                value.emplace(co_await std::move(task));
        } catch (...) {
            error = std::current_exception();
        }
        finished = true;
    }
    void serve_one();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Work> ready_;
    std::multimap<std::int64_t, Work> later_;  // by monotonic time in microseconds
};

}  // namespace roost
