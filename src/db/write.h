// One write on its way through the writer thread and back. Shared by the task that awaits it and
// the writer: whichever lets go last frees it, so a task may be destroyed while its write runs.
//
// The task's side is touched only on the thread of its executor, the outcome only by the writer
// until the write is posted back.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/executor.h"
#include "base/result.h"
#include "db/failure.h"
#include "db/transaction.h"

namespace roost::db {

enum class Outcome { keep, undo };

class Write {
  public:
    virtual ~Write() = default;

    // The task's side.
    void wait_with(std::coroutine_handle<> task, Executor& executor) {
        task_ = task;
        executor_ = &executor;
    }
    void forget_task() { task_ = nullptr; }
    void resume() {
        if (std::coroutine_handle<> task = std::exchange(task_, nullptr)) task.resume();
    }
    // After the resumption: a refusal that a caller can pass on, or the exception of the body.
    Result<void> verdict() const;

    // The writer's side. Runs the body; what it throws becomes the outcome.
    Outcome attempt(Transaction& transaction) noexcept;
    void fail(const Failure& failure) { failure_ = failure; }
    void refuse(Error error) { refusal_ = std::move(error); }
    const std::optional<Failure>& failure() const { return failure_; }
    Executor& executor() const { return *executor_; }

  private:
    virtual Outcome run(Transaction& transaction) = 0;

    std::coroutine_handle<> task_;
    Executor* executor_ = nullptr;
    std::optional<Error> refusal_;
    std::optional<Failure> failure_;
    std::exception_ptr thrown_;  // anything but a Failure
};

// The body F and its answer, a Result.
template <class F>
class WriteOf final : public Write {
  public:
    explicit WriteOf(F body) : body_(std::move(body)) {}
    std::invoke_result_t<F&, Transaction&> take_answer() { return std::move(*answer_); }

  private:
    Outcome run(Transaction& transaction) override {
        answer_.reset();
        answer_.emplace(body_(transaction));
        return answer_->has_value() ? Outcome::keep : Outcome::undo;
    }

    F body_;
    std::optional<std::invoke_result_t<F&, Transaction&>> answer_;
};

}  // namespace roost::db
