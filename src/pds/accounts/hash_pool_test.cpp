#include "pds/accounts/hash_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "base/run_loop.h"
#include "pds/limits.h"

namespace roost::pds {
namespace {

// A task that was started and is ended with its owner, finished or not.
class Running {
  public:
    struct promise_type {
        Running get_return_object() {
            return Running(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
    };
    Running(Running&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Running& operator=(Running&&) = delete;
    ~Running() {
        if (handle_) handle_.destroy();
    }

  private:
    explicit Running(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

struct Tally {
    int done = 0;
    std::vector<Error> refused;
};
Running hash_one(HashPool& pool, Tally& tally) {
    const auto hash = co_await pool.hash(SecretText("any password"));
    if (hash.has_value())
        ++tally.done;
    else
        tally.refused.push_back(hash.error());
}

class OnLoop final : public Executor {
  public:
    OnLoop() { enter(); }
    ~OnLoop() override { set_current(nullptr); }
    void enter() { set_current(this); }
    void post(Work) override {}
    void post_after(std::int64_t, Work) override {}
};

TEST(HashPool, HashesAndVerifies) {
    HashPool pool(1);
    RunLoop loop;
    const auto hash = loop.run(pool.hash(SecretText("correct horse")));
    ASSERT_TRUE(hash.has_value());
    EXPECT_EQ(*loop.run(pool.verify(SecretText("correct horse"), *hash)), PasswordMatch::yes);
    EXPECT_EQ(*loop.run(pool.verify(SecretText("wrong horse"), *hash)), PasswordMatch::no);
}

TEST(HashPool, AnswersEachThreadItsOwn) {
    HashPool pool(2);
    const std::string hash = hash_password(SecretText("p1"));
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            RunLoop loop;
            const std::thread::id home = std::this_thread::get_id();
            const auto match = loop.run(pool.verify(SecretText("p" + std::to_string(i % 2)), hash));
            const auto expected = i % 2 == 1 ? PasswordMatch::yes : PasswordMatch::no;
            if (match.has_value() && *match == expected && home == std::this_thread::get_id())
                ++right;
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(right, 4);
}

TEST(HashPool, RefusesBeyondItsBoundsWithATimeToComeBack) {
    Tally tally;
    OnLoop loop;  // answers are never delivered: the tasks stay suspended
    std::vector<Running> tasks;
    {
        HashPool pool(1);
        for (std::size_t i = 0; i < limits::hash_queue_max + 10; ++i)
            tasks.push_back(hash_one(pool, tally));
        EXPECT_LE(pool.queue_length(), static_cast<std::int64_t>(limits::hash_queue_max));
        EXPECT_GE(pool.queue_length(), 32) << "a burst of this size is taken";
        // One may have begun; a hash can end while the loop above runs.
        EXPECT_GE(tally.refused.size(), 5U);
        for (const Error& error : tally.refused) {
            EXPECT_EQ(error.fault, Fault::unavailable);
            EXPECT_GE(error.retry_after_s, 1);
            EXPECT_LE(error.retry_after_s, limits::hash_wait_ms_max / 1'000 + 1);
        }
    }
    EXPECT_EQ(tally.done, 0) << "jobs that had not started are dropped with the pool";
}

TEST(HashPool, WhoeverHasWaitedTooLongIsRefusedWhenItsTurnComes) {
    Tally tally;
    OnLoop idle;
    HashPool pool(1, 1);
    std::optional<Error> refusal;
    // The second job waits for the first, unless this thread is held up for as long as a hash
    // takes.
    for (int round = 0; round < 50 && !refusal; ++round) {
        {
            idle.enter();
            const Running first = hash_one(pool, tally);
        }
        while (pool.queue_length() > 0)
            std::this_thread::yield();
        RunLoop loop;
        const auto second = loop.run(pool.hash(SecretText("any password")));
        if (!second.has_value()) refusal = second.error();
    }
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->fault, Fault::unavailable);
    EXPECT_EQ(refusal->retry_after_s, 1);
    EXPECT_TRUE(tally.refused.empty());
    RunLoop loop;
    bool goes_on = false;
    // A thread of a busy machine may need longer than a millisecond to wake up.
    for (int round = 0; round < 50 && !goes_on; ++round)
        goes_on = loop.run(pool.hash(SecretText("any password"))).has_value();
    EXPECT_TRUE(goes_on);
}

TEST(HashPool, ATaskMayEndWhileItsJobWaitsOrRuns) {
    Tally tally;
    RunLoop loop;
    {
        HashPool pool(1);
        {
            std::vector<Running> tasks;
            for (int i = 0; i < 3; ++i)
                tasks.push_back(hash_one(pool, tally));
        }
        // The jobs of the tasks that are gone disturb nobody.
        EXPECT_TRUE(loop.run(pool.hash(SecretText("still served"))).has_value());
    }
    EXPECT_EQ(tally.done, 0);
}

}  // namespace
}  // namespace roost::pds
