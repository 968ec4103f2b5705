#include "db/write.h"

namespace roost::db {

Outcome Write::attempt(Transaction& transaction) noexcept {
    failure_.reset();
    thrown_ = nullptr;
    try {
        return run(transaction);
    } catch (const Failure& failure) {
        failure_ = failure;
    } catch (...) {
        thrown_ = std::current_exception();
    }
    return Outcome::undo;
}

Result<void> Write::verdict() const {
    if (refusal_) return *refusal_;
    if (thrown_) std::rethrow_exception(thrown_);
    if (!failure_) return {};
    if (failure_->kind() == Failure::Kind::disk_full)
        return Error{Fault::insufficient_storage, "InsufficientStorage",
                     "disk full; reads go on; writes resume when there is space"};
    if (failure_->kind() == Failure::Kind::busy)
        return Error::unavailable("the database is in use by another process", 1);
    throw *failure_;
}

}  // namespace roost::db
