// The threads that wait for the disk, so that no event loop does: a write or an fsync may take
// seconds on a busy one.
//
// Whoever runs work here waits for it, so no more is queued than there are transfers, which Blobs
// bounds. The work owns what it uses: the task that awaits it may be destroyed meanwhile. Executors
// outlive the work that was awaited on them. Any thread.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/task.h"

namespace roost::pds {

class FilePool {
  public:
    using Work = std::move_only_function<void()>;

    explicit FilePool(int threads);
    ~FilePool();  // stop()
    FilePool(const FilePool&) = delete;
    FilePool& operator=(const FilePool&) = delete;

    // What the work returns, or throws.
    template <class F>
    auto run(F work) -> Task<std::invoke_result_t<F&>> {
        co_return co_await Waiter<std::invoke_result_t<F&>>(*this, std::move(work));
    }
    // Runs it, and nobody waits. It must not throw.
    void post(Work work);

    // Finishes what waits; nothing is run afterwards. The executors that wait must still be there.
    void stop();

  private:
    // The work owns its answer. The task's handle is touched only on the task's thread.
    template <class T>
    struct Shared {
        std::optional<T> answer;
        std::exception_ptr error;
        std::coroutine_handle<> task;
    };
    template <class T>
    struct Waiter {
        FilePool& pool;
        std::move_only_function<T()> work;
        std::shared_ptr<Shared<T>> shared = std::make_shared<Shared<T>>();

        Waiter(FilePool& owner, std::move_only_function<T()> job)
            : pool(owner), work(std::move(job)) {}
        Waiter(const Waiter&) = delete;
        ~Waiter() { shared->task = nullptr; }

        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) {
            shared->task = handle;
            pool.post(
                [work = std::move(work), state = shared, &home = Executor::current()]() mutable {
                    try {
                        state->answer.emplace(work());
                    } catch (...) {
                        state->error = std::current_exception();
                    }
                    work = nullptr;
                    home.post([state] {
                        if (state->task) state->task.resume();
                    });
                });
        }
        T await_resume() {
            if (shared->error) std::rethrow_exception(shared->error);
            return std::move(*shared->answer);
        }
    };

    void serve();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Work> waiting_;
    bool is_stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace roost::pds
