// Task<T>: a coroutine that starts when it is awaited and belongs to whoever awaits it.
//
// A task runs on the thread of the Executor that started it; an operation that finishes elsewhere
// posts back there before it resumes. Destroying a task that has not finished destroys its frame,
// so nothing outside may still hold its handle: operations in flight own what they need.
// Rules (the linter checks them): no capturing lambda as a coroutine, no reference parameter that
// can end before the task does.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/frame_memory.h"

namespace roost {

template <class T>
class Task;

namespace detail {

class PromiseBase {
  public:
    static void* operator new(std::size_t size) { return take_frame(size); }
    static void operator delete(void* frame, std::size_t size) { give_back_frame(frame, size); }

    std::suspend_always initial_suspend() noexcept { return {}; }

    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
            std::coroutine_handle<> next = self.promise().continuation_;
            return next ? next : std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    FinalAwaiter final_suspend() noexcept { return {}; }

    void set_continuation(std::coroutine_handle<> next) { continuation_ = next; }

  private:
    std::coroutine_handle<> continuation_;
};

template <class T>
class Promise : public PromiseBase {
  public:
    Task<T> get_return_object();
    template <class U>
        requires std::is_constructible_v<T, U>
    void return_value(U&& value) {
        outcome_.template emplace<1>(std::forward<U>(value));
    }
    void unhandled_exception() { outcome_.template emplace<2>(std::current_exception()); }
    T take() {
        if (outcome_.index() == 2) std::rethrow_exception(std::get<2>(outcome_));
        check(outcome_.index() == 1, "a finished task has a value");
        return std::move(std::get<1>(outcome_));
    }

  private:
    std::variant<std::monostate, T, std::exception_ptr> outcome_;
};

template <>
class Promise<void> : public PromiseBase {
  public:
    Task<void> get_return_object();
    void return_void() {}
    void unhandled_exception() { error_ = std::current_exception(); }
    void take() {
        if (error_) std::rethrow_exception(error_);
    }

  private:
    std::exception_ptr error_;
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
  public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    explicit Task(Handle handle) : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            if (handle_) handle_.destroy();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    ~Task() {
        if (handle_) handle_.destroy();
    }

    struct Awaiter {
        Handle handle;
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> next) noexcept {
            handle.promise().set_continuation(next);
            return handle;
        }
        T await_resume() { return handle.promise().take(); }
    };
    Awaiter operator co_await() && noexcept { return {handle_}; }

  private:
    Handle handle_;
};

namespace detail {

template <class T>
Task<T> Promise<T>::get_return_object() {
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// A coroutine that owns itself: starts at once, frees its frame at the end.
struct Detached {
    struct promise_type {
        Detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        // A detached task has nobody to tell: its body must catch what it can meet.
        [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
    };
};

inline Detached run_detached(Task<void> task) {
    co_await std::move(task);
}

}  // namespace detail

// Starts a task that nobody waits for. It runs on the calling thread until it first suspends. An
// exception that leaves it ends the process.
inline void start_detached(Task<void> task) {
    detail::run_detached(std::move(task));
}

}  // namespace roost
