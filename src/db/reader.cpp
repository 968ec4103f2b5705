#include "db/reader.h"

#include <utility>

#include "base/check.h"
#include "base/executor.h"

namespace roost::db {

// Work of an executor: run, or dropped without having been run, perhaps after the database.
class Reader::EndOfTurn {
  public:
    explicit EndOfTurn(std::weak_ptr<Reader> reader) : reader_(std::move(reader)) {}
    EndOfTurn(EndOfTurn&&) = default;
    EndOfTurn& operator=(EndOfTurn&&) = delete;
    ~EndOfTurn() {
        const auto reader = reader_.lock();
        if (reader == nullptr) return;
        reader->ends_with_turn_ = false;
        reader->connection_.rollback();
    }
    void operator()() {
        const std::shared_ptr<Reader> reader = std::exchange(reader_, {}).lock();
        if (reader == nullptr) return;
        reader->ends_with_turn_ = false;
        if (reader->connection_.in_transaction()) reader->connection_.commit();
    }

  private:
    std::weak_ptr<Reader> reader_;
};

void Reader::read(const std::function<void(Transaction&)>& body) {
    check(!is_reading_, "a read does not start inside another");
    struct Reading {
        Reader& reader;
        bool keeps_snapshot = false;
        ~Reading() {
            reader.is_reading_ = false;
            if (!keeps_snapshot) reader.connection_.rollback();
        }
    } reading{*this};
    is_reading_ = true;
    take_snapshot();
    body(connection_);
    connection_.check_idle();
    reading.keeps_snapshot = ends_with_turn_;
}

void Reader::take_snapshot() {
    const std::uint64_t commits = commits_.load(std::memory_order_acquire);
    if (connection_.in_transaction()) {
        if (as_of_ == commits) return;
        connection_.commit();
    }
    connection_.begin_read();
    as_of_ = commits;
    if (ends_with_turn_ || !Executor::is_on_one()) return;
    Executor::current().post(EndOfTurn(weak_from_this()));
    ends_with_turn_ = true;
}

}  // namespace roost::db
