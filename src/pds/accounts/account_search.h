// Finding accounts for an administrator, page by page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "db/transaction.h"
#include "pds/account.h"

namespace roost::pds::account_search {

struct Page {
    std::vector<Account> accounts;
    std::optional<std::string> cursor;  // there may be more
};

// Accounts whose e-mail address begins with the text, by address, and then those that have it
// elsewhere in theirs; letters match in any case. Without a text: all accounts, the oldest first. A
// page costs a walk over limits::addresses_searched_max entries of an index at most, so one can be
// short, or empty, and still have a cursor. Errors: InvalidRequest (cursor).
Result<Page> by_email(db::Transaction& t, std::string_view text,
                      const std::optional<std::string>& cursor, std::int64_t limit);

}  // namespace roost::pds::account_search
