// How an account's row is read: for the stores that select accounts.
#pragma once

#include "db/transaction.h"
#include "pds/account.h"

// The columns that read_account() expects, in its order, as SQL text to be put into a literal.
#define ROOST_ACCOUNT_COLUMNS                                                              \
    "account.id, account.did, account.handle, account.email, account.email_confirmed_at, " \
    "account.email_auth_factor, account.created_at, account.deactivated_at, "              \
    "account.delete_after, account.takedown_ref, account.invites_disabled"

namespace roost::pds {

inline constexpr int account_column_count = 11;

// Values that were valid when they were stored.
atproto::Did stored_did(std::string_view text);
atproto::Handle stored_handle(std::string_view text);

Account read_account(const db::Rows& row);
std::optional<Account> first_account(db::Rows rows);

}  // namespace roost::pds
