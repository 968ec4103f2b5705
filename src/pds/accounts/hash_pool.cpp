#include "pds/accounts/hash_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/executor.h"
#include "pds/accounts/hash_memory.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {
// Linux keeps a niceness for each thread.
constexpr int hashing_niceness = 5;
// A flood of log-ins keeps the memory of its hashes, a quiet server gives it back.
constexpr std::chrono::seconds memory_is_kept{1};

// However slow this machine is: whoever waits now is served or refused within the longest wait.
Error too_many(std::int64_t wait_ms) {
    return Error::unavailable("Too many log-ins at once; please try again shortly",
                              static_cast<int>(wait_ms / 1'000) + 1);
}
}  // namespace

HashPool::HashPool(int threads, std::int64_t wait_ms_max) : wait_ms_max_(wait_ms_max) {
    check(threads >= 1, "the hash pool has a thread");
    threads_.reserve(static_cast<std::size_t>(threads));
    for (int i = 0; i < threads; ++i)
        threads_.emplace_back([this] { serve(); });
}

HashPool::~HashPool() {
    stop();
}

void HashPool::stop() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
        waiting_.clear();
    }
    wake_.notify_all();
    for (std::thread& thread : threads_)
        thread.join();
    threads_.clear();
}

std::int64_t HashPool::queue_length() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::int64_t>(waiting_.size());
}

std::int64_t HashPool::expected_wait_ms() const {
    const auto ahead = static_cast<std::int64_t>(waiting_.size()) + running_;
    return ahead * job_us_ / std::max<std::int64_t>(1, std::ssize(threads_)) / 1'000;
}

Result<void> HashPool::submit(Job job) {
    {
        const std::lock_guard lock(mutex_);
        const std::int64_t wait_ms = expected_wait_ms();
        // Whoever is next in line is taken, however slow this machine is.
        const bool waits_too_long = !waiting_.empty() && wait_ms > wait_ms_max_;
        if (is_stopping_ || waiting_.size() >= limits::hash_queue_max || waits_too_long)
            return too_many(std::min(wait_ms, wait_ms_max_));
        waiting_.push_back({std::move(job), monotonic_us()});
    }
    wake_.notify_one();
    return {};
}

void HashPool::serve() {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), hashing_niceness);
    HashMemory memory;
    const auto has_work = [this] { return is_stopping_ || !waiting_.empty(); };
    std::unique_lock lock(mutex_);
    while (true) {
        if (!wake_.wait_for(lock, memory_is_kept, has_work)) {
            lock.unlock();
            memory.release();
            lock.lock();
            wake_.wait(lock, has_work);
        }
        if (is_stopping_) return;
        Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        const std::int64_t started_us = monotonic_us();
        std::optional<Error> refusal;
        if (started_us - next.since_us > wait_ms_max_ * 1'000)
            refusal = too_many(std::min(expected_wait_ms(), wait_ms_max_));
        const bool is_refused = refusal.has_value();
        ++running_;
        lock.unlock();
        next.job(std::move(refusal));
        const std::int64_t took_us = monotonic_us() - started_us;
        lock.lock();
        --running_;
        if (!is_refused) job_us_ = (job_us_ * 7 + took_us) / 8;
    }
}

template <class T>
Task<Result<T>> HashPool::run(std::move_only_function<T()> work) {
    // The job owns its answer, so that it may outlive a task that is gone. The task's handle is
    // touched only on the task's thread.
    struct Shared {
        std::optional<Result<T>> answer;
        std::exception_ptr error;
        std::coroutine_handle<> task;
    };
    struct Waiter {
        HashPool& pool;
        std::move_only_function<T()> work;
        std::shared_ptr<Shared> shared = std::make_shared<Shared>();
        Result<void> taken{};

        Waiter(HashPool& owner, std::move_only_function<T()> job)
            : pool(owner), work(std::move(job)) {}
        Waiter(const Waiter&) = delete;
        ~Waiter() { shared->task = nullptr; }

        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> handle) {
            Executor& home = Executor::current();
            shared->task = handle;
            taken = pool.submit([work = std::move(work), shared = shared,
                                 &home](std::optional<Error> refusal) mutable {
                try {
                    shared->answer.emplace(refusal ? Result<T>(*std::move(refusal)) : work());
                } catch (...) {
                    shared->error = std::current_exception();
                }
                home.post([shared] {
                    if (shared->task) shared->task.resume();
                });
            });
            return taken.has_value();
        }
        Result<T> await_resume() {
            if (!taken.has_value()) return taken.error();
            if (shared->error) std::rethrow_exception(shared->error);
            return std::move(*shared->answer);
        }
    };
    co_return co_await Waiter(*this, std::move(work));
}

Task<Result<std::string>> HashPool::hash(SecretText password) {
    return run<std::string>([password = std::move(password)] { return hash_password(password); });
}

Task<Result<PasswordMatch>> HashPool::verify(SecretText password, std::string hash) {
    return run<PasswordMatch>([password = std::move(password), hash = std::move(hash)] {
        return verify_password(password, hash);
    });
}

}  // namespace roost::pds
