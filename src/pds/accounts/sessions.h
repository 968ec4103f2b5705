// Sessions: a log-in, its chain of refresh tokens, and its end.
//
// A session is one row. Its access tokens are good only while the row exists, its refresh tokens
// rotate: each is used once, except that within limits::refresh_grace_s the previous one is
// answered with the same successor again. Any older token of the chain that turns up has been
// copied: the session ends, and with it every token before and after.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/accounts/session_cache.h"
#include "pds/accounts/tokens.h"

namespace roost::pds {

struct TokenPair {
    std::string access_jwt;
    std::string refresh_jwt;
};

struct Refreshed {
    Account account;
    TokenPair tokens;
};

class Sessions {
  public:
    // The database watches the tables that SessionCache names.
    Sessions(db::Database& db, const Tokens& tokens)
        : db_(db), tokens_(tokens), cache_(db.row_versions()) {}

    // Opens a session inside the caller's transaction; the tokens are good once it has committed.
    // app_password: the name of the one that was used, if any.
    TokenPair open(db::Transaction& t, const Account& account, Scope scope,
                   const std::optional<std::string>& app_password, Timestamp now) const;

    // Errors: those of Tokens::read_access, ExpiredToken when the session has ended.
    Task<Result<std::shared_ptr<const Authenticated>>> authenticate(std::string_view access_jwt,
                                                                    Timestamp now);

    // Errors: ExpiredToken, InvalidToken, AccountTakedown.
    Task<Result<Refreshed>> refresh(RefreshClaims claims, Timestamp now) const;

    // Ends the session; no error if it had ended already.
    Task<Result<void>> close(RefreshClaims claims) const;

    // Ends every session of the account, or only those of one app password.
    static void close_all(db::Transaction& t, std::int64_t account_id);

    // Removes rows whose refresh token has expired, looking at all of them, a piece at a time;
    // returns how many.
    Task<Result<std::int64_t>> sweep(Timestamp now) const;

  private:
    db::Database& db_;
    const Tokens& tokens_;
    SessionCache cache_;
};

}  // namespace roost::pds
