// The connection by which one thread reads.
//
// A snapshot costs two locks on a file and two statements, as much as a point query. So reads that
// follow one another in one turn of the thread's executor share one, as long as no commit has come
// between them: each sees all that was committed before it began, as if it had its own. It ends
// with the turn, so that the log can be moved into the file.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "db/connection.h"

namespace roost::db {

class Reader : public std::enable_shared_from_this<Reader> {
  public:
    // `commits` counts the commits that readers can see, before anybody is told of them.
    Reader(const ConnectionOptions& options, const std::atomic<std::uint64_t>& commits)
        : connection_(options), commits_(commits) {}

    // On the one thread of this reader; not from within a body.
    void read(const std::function<void(Transaction&)>& body);

  private:
    class EndOfTurn;
    void take_snapshot();

    Connection connection_;
    const std::atomic<std::uint64_t>& commits_;
    std::uint64_t as_of_ = 0;  // of the snapshot, if there is one
    bool is_reading_ = false;
    bool ends_with_turn_ = false;  // the executor has been told
};

}  // namespace roost::db
