// Moves the write-ahead log into the database file, on a thread and a connection of its own, so
// that no COMMIT pays for it; and keeps the log from growing without end.
//
// SQLite before 3.51.3 can lose commits when a checkpoint begins on a log that is already moved
// while a commit starts that log over (https://www.sqlite.org/wal.html#walresetbug). So this class
// knows what is in the log and what is moved, and never begins a checkpoint without need. That is
// enough: a log with something left to move cannot start over, and only this class moves it.
#pragma once

#include <compare>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "db/connection.h"
#include "db/limits.h"

namespace roost::db {

class Checkpointer {
  public:
    // The log is empty (the writer has truncated it) and nobody writes yet.
    Checkpointer() = default;
    ~Checkpointer() { stop(); }
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;

    // Opens the connection and starts the thread; throws Failure. Without it the log is moved by
    // bound_log() only.
    void start(const ConnectionOptions& options);
    void stop();

    // On the writer thread. After each commit, with the number of pages in the log.
    void committed(std::uint32_t pages);
    // On the writer thread, between transactions. Finishes the checkpoint when the log is large, so
    // that the next commit starts it over.
    void bound_log(Connection& writer);

  private:
    // A place in the log's history: how often it started over, and a page in it.
    struct Position {
        std::uint32_t round = 0;
        std::uint32_t pages = 0;
        friend auto operator<=>(const Position&, const Position&) = default;
    };

    void serve();
    bool move_log();

    std::mutex mutex_;  // guards what follows
    std::condition_variable wake_;
    Position written_;
    Position moved_;
    bool stopping_ = false;

    std::mutex checkpoint_;  // held during a checkpoint; taken before mutex_
    std::uint32_t restart_at_pages_ = limits::log_pages_max;  // the writer's own
    std::unique_ptr<Connection> connection_;                  // the thread's own
    std::thread thread_;
};

}  // namespace roost::db
