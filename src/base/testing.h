// For the tests of all rooms.
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

#include "base/task.h"

namespace roost::testing {

// A task that starts at once and is destroyed with this, even while it waits.
class Abandoned {
  public:
    struct promise_type {
        Abandoned get_return_object() {
            return Abandoned(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };

    static Abandoned start(Task<void> task) { co_await std::move(task); }
    Abandoned(Abandoned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Abandoned& operator=(Abandoned&&) = delete;
    ~Abandoned() {
        if (handle_) handle_.destroy();
    }

  private:
    explicit Abandoned(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

}  // namespace roost::testing
