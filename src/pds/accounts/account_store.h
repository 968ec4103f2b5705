// The rows of accounts and of sign-ups under way: all SQL about them.
//
// Functions run inside the caller's transaction. Lookups see every account, whatever its status;
// what a status permits is decided above.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "db/transaction.h"
#include "pds/account.h"

namespace roost::pds::account_store {

std::optional<Account> find_by_did(db::Transaction& t, const atproto::Did& did);
std::optional<Account> find_by_handle(db::Transaction& t, const atproto::Handle& handle);
// An at-identifier, as methods take to name an account; none for what is neither DID nor handle.
std::optional<Account> find_by_did_or_handle(db::Transaction& t, std::string_view identifier);
std::optional<Account> find_by_email(db::Transaction& t, std::string_view normalized_email);
std::optional<Account> find_by_id(db::Transaction& t, std::int64_t id);
// Whether there is an account, or a sign-up that may become one.
bool has_any(db::Transaction& t);

struct NewAccount {
    atproto::Did did;
    atproto::Handle handle;
    std::optional<std::string> email;
    std::optional<std::string> password_hash;
    bool is_deactivated = false;
};
// The did, handle and e-mail must be free: an invariant of the caller's transaction.
std::int64_t insert(db::Transaction& t, const NewAccount& account, Timestamp now);
// Everything that belongs to the account, but not its events.
void erase(db::Transaction& t, std::int64_t id);

std::optional<std::string> password_hash(db::Transaction& t, std::int64_t id);
void set_password_hash(db::Transaction& t, std::int64_t id, std::string_view hash);
// The handle must be free: an invariant of the caller's transaction.
void set_handle(db::Transaction& t, std::int64_t id, const atproto::Handle& handle);
void set_email(db::Transaction& t, std::int64_t id, std::string_view email);
void set_email_confirmed(db::Transaction& t, std::int64_t id, Timestamp now);
void set_email_auth_factor(db::Transaction& t, std::int64_t id, bool is_on);
void set_deactivated(db::Transaction& t, std::int64_t id, std::optional<Timestamp> since,
                     std::optional<Timestamp> delete_after);
void set_takedown(db::Transaction& t, std::int64_t id, const std::optional<std::string>& ref);
// Whether the account may hand out invite codes.
enum class InviteRights { granted, withdrawn };
void set_invite_rights(db::Transaction& t, std::int64_t id, InviteRights rights);
// Accounts whose deletion date has come, oldest first, at most limit.
std::vector<Account> due_for_deletion(db::Transaction& t, Timestamp now, int limit);

// A sign-up whose key and PLC operation are durable, and whose DID may not be registered yet.
struct PendingSignup {
    atproto::Did did;
    atproto::Handle handle;
    std::optional<std::string> email;
    std::optional<std::string> password_hash;
    std::optional<std::string> invite_code;
    std::string did_key;
    Bytes sealed_key;
    std::string operation;  // the signed PLC operation, JSON
    Timestamp created_at;
};
void insert_pending(db::Transaction& t, const PendingSignup& signup);
bool erase_pending(db::Transaction& t, const atproto::Did& did);
std::optional<PendingSignup> find_pending(db::Transaction& t, const atproto::Did& did);
std::vector<PendingSignup> all_pending(db::Transaction& t, int limit);
// The DIDs of pending sign-ups that hold this handle or e-mail address.
std::vector<atproto::Did> pending_holders(db::Transaction& t, const atproto::Handle& handle,
                                          const std::optional<std::string>& email);

}  // namespace roost::pds::account_store
