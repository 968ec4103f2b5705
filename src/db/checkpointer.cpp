#include "db/checkpointer.h"

#include <chrono>

#include "base/log.h"

namespace roost::db {

void Checkpointer::start(const ConnectionOptions& options) {
    connection_ = std::make_unique<Connection>(options);
    thread_ = std::thread([this] { serve(); });
}

void Checkpointer::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
    connection_.reset();
}

void Checkpointer::committed(std::uint32_t pages) {
    const std::lock_guard lock(mutex_);
    // Every commit adds pages; fewer than before, or as many, means that the log started over.
    if (pages <= written_.pages) ++written_.round;
    const bool was_idle = written_ == moved_ || moved_.round != written_.round;
    written_.pages = pages;
    const std::uint32_t done = moved_.round == written_.round ? moved_.pages : 0;
    if (was_idle || pages - done >= limits::checkpoint_pages) wake_.notify_all();
}

void Checkpointer::serve() {
    using std::chrono::milliseconds;
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [&] { return stopping_ || written_ > moved_; });
        wake_.wait_for(lock, milliseconds(limits::checkpoint_delay_ms), [&] {
            const std::uint32_t done = moved_.round == written_.round ? moved_.pages : 0;
            return stopping_ || written_.pages - done >= limits::checkpoint_pages;
        });
        if (stopping_) return;
        lock.unlock();
        const bool complete = move_log();
        lock.lock();
        if (!complete)
            wake_.wait_for(lock, milliseconds(limits::checkpoint_retry_ms),
                           [&] { return stopping_; });
    }
}

// False when a reader held it up, or it failed.
bool Checkpointer::move_log() {
    const std::lock_guard checkpoint_lock(checkpoint_);
    Position target;
    {
        const std::lock_guard lock(mutex_);
        if (written_ <= moved_) return true;
        target = written_;
    }
    try {
        const auto result = connection_->checkpoint(Connection::Checkpoint::passive, 0);
        if (result.moved < 0) return false;
        const std::lock_guard lock(mutex_);
        // The log had pages left to move, so it was still in this round when the checkpoint began.
        moved_ = {target.round, static_cast<std::uint32_t>(result.moved)};
        return !result.busy && moved_ >= target;
    } catch (const Failure& failure) {
        log::warn("checkpoint failed, will be tried again", {{"reason", failure.what()}});
        return false;
    }
}

void Checkpointer::bound_log(Connection& writer) {
    const auto position = [this] {
        const std::lock_guard lock(mutex_);
        return written_;  // only this thread writes
    }();
    if (position.pages < limits::log_pages_max) restart_at_pages_ = limits::log_pages_max;
    if (position.pages < restart_at_pages_) return;
    const std::lock_guard checkpoint_lock(checkpoint_);
    {
        const std::lock_guard lock(mutex_);
        if (written_ <= moved_) return;  // the next commit starts the log over, readers permitting
    }
    restart_at_pages_ = position.pages + limits::log_pages_max / 2;  // unless it starts over
    try {
        const auto result =
            writer.checkpoint(Connection::Checkpoint::restart, limits::log_restart_wait_ms);
        if (result.busy)
            log::warn("the log cannot start over while an old snapshot is read",
                      {{"log_pages", position.pages}});
        const std::lock_guard lock(mutex_);
        if (result.moved >= 0 && result.moved == result.pages) moved_ = written_;
    } catch (const Failure& failure) {
        log::warn("checkpoint failed, will be tried again", {{"reason", failure.what()}});
    }
}

}  // namespace roost::db
