// The rows of handles that accounts are about to have: all SQL about them. Functions run inside the
// caller's transaction. What becomes of a row is decided in handle_changes.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "atproto/syntax/syntax.h"
#include "base/clock.h"
#include "db/transaction.h"

namespace roost::pds::pending_handles {

struct Pending {
    std::int64_t account_id;
    atproto::Handle handle;
    Timestamp created_at;
};

// In the place of another one of the account. The handle must be nobody else's.
void put(db::Transaction& t, const Pending& pending);
void erase(db::Transaction& t, std::int64_t account_id);
// The account that is about to have the handle.
std::optional<std::int64_t> holder(db::Transaction& t, const atproto::Handle& handle);
// Oldest first.
std::vector<Pending> all(db::Transaction& t, int limit);

}  // namespace roost::pds::pending_handles
