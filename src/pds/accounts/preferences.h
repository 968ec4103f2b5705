// What applications keep for an account, and only it may read: all SQL about it, and who may see
// what. Functions run inside the caller's transaction.
//
// A preference is an object with a "$type"; the part before the name is the namespace, and a
// namespace is replaced as a whole. Whoever does not have full access, such as an app password,
// does not see or touch the owner's birth date.
#pragma once

#include <cstdint>
#include <string_view>

#include "atproto/data/value.h"
#include "base/clock.h"
#include "base/result.h"
#include "db/transaction.h"

namespace roost::pds::preferences {

enum class Access { full, limited };

// In the order in which they were stored; with what follows from the birth date, if there is one.
atproto::Array list(db::Transaction& t, std::int64_t account_id, std::string_view name_space,
                    Access access, Timestamp now);

// Error: Fault::invalid "InvalidRequest", one is not an object with a "$type" in the namespace, or
// not for this caller to set.
Result<void> replace(db::Transaction& t, std::int64_t account_id, const atproto::Array& preferences,
                     std::string_view name_space, Access access);

}  // namespace roost::pds::preferences
