#include "db/group_commit.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "db/limits.h"

namespace roost::db {

GroupCommit::GroupCommit(Connection& connection, std::function<void()> after_batch)
    : connection_(connection), after_batch_(std::move(after_batch)), thread_([this] { serve(); }) {}

GroupCommit::~GroupCommit() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake_.notify_one();
    }
    thread_.join();
}

Result<void> GroupCommit::submit(WritePtr write) {
    const std::lock_guard lock(mutex_);
    check(!stopping_, "nothing is written while the database closes");
    if (waiting_.size() >= limits::writes_waiting_max)
        return Error::unavailable("too many writes are waiting",
                                  limits::writes_waiting_retry_after_s);
    waiting_.push_back(std::move(write));
    if (waiting_.size() == 1) wake_.notify_one();
    return {};
}

std::int64_t GroupCommit::queue_length() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::int64_t>(waiting_.size());
}

void GroupCommit::serve() {
    while (true) {
        std::vector<WritePtr> batch = take();
        if (batch.empty()) return;
        std::vector<Write*> writes;
        for (const WritePtr& write : batch)
            writes.push_back(write.get());
        settle(writes);
        deliver(std::move(batch));
        after_batch_();
    }
}

// Empty: the thread has nothing more to do, ever.
std::vector<GroupCommit::WritePtr> GroupCommit::take() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    const std::size_t count = std::min(waiting_.size(), limits::writes_per_batch_max);
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<WritePtr> batch(std::make_move_iterator(waiting_.begin()),
                                std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    return batch;
}

// Gives each write its outcome, in as many transactions as it takes.
void GroupCommit::settle(std::span<Write* const> writes) {
    std::vector<Write*> open(writes.begin(), writes.end());
    Savepoints savepoints = Savepoints::none;
    int losses = 0;
    while (!open.empty()) {
        End end = run_together(open, savepoints);
        if (end.needs_savepoints) {
            savepoints = Savepoints::around_each;
            continue;
        }
        if (!end.failure) return;
        if (end.lost_at) {
            // Its neighbours are innocent: again, without it. It keeps the failure it met.
            Write* guilty = open[*end.lost_at];
            if (!guilty->failure()) guilty->fail(*end.failure);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(*end.lost_at));
            if (++losses <= limits::lost_transactions_per_batch_max) continue;
        } else if (end.failure->kind() == Failure::Kind::constraint && open.size() > 1) {
            // A constraint that is checked at COMMIT: only the one that breaks it may suffer.
            for (Write* write : open)
                settle({&write, 1});
            return;
        }
        for (Write* write : open)
            write->fail(*end.failure);
        return;
    }
}

GroupCommit::End GroupCommit::run_together(std::span<Write* const> writes, Savepoints savepoints) {
    End end;
    std::int64_t kept = 0;
    try {
        connection_.begin_write();
        for (std::size_t i = 0; i < writes.size(); ++i) {
            const std::int64_t changes = connection_.changes_total();
            if (savepoints == Savepoints::around_each) connection_.execute("SAVEPOINT body");
            const Outcome outcome = writes[i]->attempt(connection_);
            if (!connection_.in_transaction()) {
                end.lost_at = i;
                end.failure = writes[i]->failure().value_or(
                    Failure(Failure::Kind::other, "the transaction was lost inside a body"));
                return end;
            }
            if (savepoints == Savepoints::around_each) {
                if (outcome == Outcome::undo) connection_.execute("ROLLBACK TO body");
                connection_.execute("RELEASE body");
            } else if (outcome == Outcome::undo && connection_.changes_total() != changes) {
                connection_.rollback();
                end.needs_savepoints = true;
                return end;
            }
            kept += outcome == Outcome::keep ? 1 : 0;
        }
        connection_.commit();
        writes_total_ += kept;
        batches_total_ += 1;
    } catch (const Failure& failure) {
        log::error("a batch of writes failed",
                   {{"writes", writes.size()}, {"reason", failure.what()}});
        end.failure = failure;
        connection_.rollback();
    }
    return end;
}

// One post for each executor, in the order of the writes.
void GroupCommit::deliver(std::vector<WritePtr> writes) {
    std::vector<std::pair<Executor*, std::vector<WritePtr>>> groups;
    for (WritePtr& write : writes) {
        Executor* const executor = &write->executor();
        auto group = std::ranges::find(groups, executor, &decltype(groups)::value_type::first);
        if (group == groups.end()) group = groups.insert(group, {executor, {}});
        group->second.push_back(std::move(write));
    }
    for (auto& [executor, theirs] : groups)
        executor->post([settled = std::move(theirs)] {
            for (const WritePtr& write : settled)
                write->resume();
        });
}

}  // namespace roost::db
