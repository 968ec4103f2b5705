// The threads that hash passwords, apart from all others, so that a flood of log-ins slows nobody
// else.
//
// At most limits::hash_queue_max jobs wait, and none that would wait longer than `wait_ms_max`
// behind others: those are refused with "unavailable" and a time to come back. So is, when its turn
// comes, a job that has waited longer than was foreseen. A job that has started runs to its end and
// holds its thread until then. The threads run at low priority. A task may be destroyed while its
// job waits or runs; executors outlive the jobs that were awaited on them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "pds/accounts/password_hash.h"
#include "pds/limits.h"

namespace roost::pds {

class HashPool {
  public:
    explicit HashPool(int threads, std::int64_t wait_ms_max = limits::hash_wait_ms_max);
    ~HashPool();  // stop()
    HashPool(const HashPool&) = delete;
    HashPool& operator=(const HashPool&) = delete;

    Task<Result<std::string>> hash(SecretText password);
    Task<Result<PasswordMatch>> verify(SecretText password, std::string hash);

    std::int64_t queue_length() const;

    // Finishes the jobs that have started, drops the rest. The executors that wait must still be
    // there.
    void stop();

  private:
    // Runs, unless it is told why it may not.
    using Job = std::move_only_function<void(std::optional<Error> refusal)>;
    struct Waiting {
        Job job;
        std::int64_t since_us;
    };

    // Nothing if the job was taken, else the refusal.
    Result<void> submit(Job job);
    template <class T>
    Task<Result<T>> run(std::move_only_function<T()> work);
    void serve();
    // With the lock: how long one more job would wait.
    std::int64_t expected_wait_ms() const;

    const std::int64_t wait_ms_max_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Waiting> waiting_;
    std::int64_t job_us_ = 25'000;  // a moving average of how long a job takes
    int running_ = 0;
    bool is_stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace roost::pds
