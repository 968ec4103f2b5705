// The rows of sessions: all SQL about them. Functions run inside the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "db/transaction.h"
#include "pds/account.h"
#include "pds/accounts/tokens.h"

namespace roost::pds::session_store {

struct Session {
    std::string id;
    std::int64_t account_id;
    Scope scope;
    std::optional<std::string> app_password;
    std::string token;  // the id of the refresh token that is good now
    std::optional<std::string> previous_token;
    std::optional<Timestamp> rotated_at;
    Timestamp created_at;
    Timestamp expires_at;
};

void insert(db::Transaction& t, const Session& session);
std::optional<Session> find(db::Transaction& t, std::string_view id);
// The account of a session that exists: the question behind every authenticated request.
struct Owned {
    Account account;
    std::int64_t session_row;
};
std::optional<Owned> account_of(db::Transaction& t, std::string_view id);
// The current token becomes the previous one.
void rotate(db::Transaction& t, std::string_view id, std::string_view next_token,
            Timestamp expires_at, Timestamp now);
void erase(db::Transaction& t, std::string_view id);
void erase_of_account(db::Transaction& t, std::int64_t account_id);
void erase_of_app_password(db::Transaction& t, std::int64_t account_id, std::string_view name);
// Keeps the `keep` sessions of the account that were opened last, whatever the clock did.
void erase_beyond(db::Transaction& t, std::int64_t account_id, int keep);

// Of the next `rows` sessions behind the row `after`, in the order in which they were opened,
// erases those that have expired.
struct Sweep {
    std::int64_t last_row;  // where to go on; 0: there were no more
    std::int64_t erased;
};
Sweep erase_expired(db::Transaction& t, std::int64_t after, std::int64_t rows, Timestamp now);

}  // namespace roost::pds::session_store
