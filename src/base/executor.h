// Where a suspended task goes on: one Executor per thread that runs tasks.
//
// The I/O threads of net/ are executors; RunLoop (base/run_loop.h) is one for tests and command
// line verbs. Whoever completes an operation on another thread posts the continuation back.
#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>

namespace roost {

class Executor {
  public:
    using Work = std::move_only_function<void()>;

    virtual ~Executor() = default;
    // Runs the work soon, on this executor's thread. May be called from any thread.
    virtual void post(Work work) = 0;
    // The same, not before the delay is over. Coarse: may be late by tens of milliseconds.
    virtual void post_after(std::int64_t delay_ms, Work work) = 0;

    // The executor whose thread this is. There must be one.
    static Executor& current();
    static bool is_on_one();

  protected:
    // Called by the implementation on its own thread, before and after it runs work.
    static void set_current(Executor* executor);
};

// co_await sleep_ms(100): suspends the task without holding the thread.
struct SleepAwaiter {
    std::int64_t delay_ms;
    bool await_ready() const noexcept { return delay_ms <= 0; }
    void await_suspend(std::coroutine_handle<> handle) const {
        Executor::current().post_after(delay_ms, [handle] { handle.resume(); });
    }
    void await_resume() const noexcept {}
};
inline SleepAwaiter sleep_ms(std::int64_t delay_ms) {
    return {delay_ms};
}

// co_await next_turn(): goes on when everything else that is ready on this thread has run.
struct TurnAwaiter {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const {
        Executor::current().post([handle] { handle.resume(); });
    }
    void await_resume() const noexcept {}
};
inline TurnAwaiter next_turn() {
    return {};
}

}  // namespace roost
