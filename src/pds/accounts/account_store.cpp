#include "pds/accounts/account_store.h"

#include "base/check.h"
#include "pds/accounts/account_row.h"

namespace roost::pds::account_store {

namespace {

#define PENDING_COLUMNS \
    "did, handle, email, password_hash, invite_code, did_key, sealed, operation, created_at"

PendingSignup read_pending(const db::Rows& row) {
    const ByteView sealed = row.bytes(6);
    return {
        .did = stored_did(row.text(0)),
        .handle = stored_handle(row.text(1)),
        .email = row.optional_text(2),
        .password_hash = row.optional_text(3),
        .invite_code = row.optional_text(4),
        .did_key = std::string(row.text(5)),
        .sealed_key = Bytes(sealed.begin(), sealed.end()),
        .operation = std::string(row.text(7)),
        .created_at = row.time(8),
    };
}

}  // namespace

std::optional<Account> find_by_did(db::Transaction& t, const atproto::Did& did) {
    return first_account(
        t.select("SELECT " ROOST_ACCOUNT_COLUMNS " FROM account WHERE did = $1", did.text()));
}

std::optional<Account> find_by_handle(db::Transaction& t, const atproto::Handle& handle) {
    return first_account(
        t.select("SELECT " ROOST_ACCOUNT_COLUMNS " FROM account WHERE handle = $1", handle.text()));
}

std::optional<Account> find_by_did_or_handle(db::Transaction& t, std::string_view identifier) {
    if (identifier.starts_with("did:")) {
        const Result<atproto::Did> did = atproto::Did::parse(identifier);
        return did.has_value() ? find_by_did(t, *did) : std::nullopt;
    }
    const Result<atproto::Handle> handle = atproto::Handle::parse(identifier);
    return handle.has_value() ? find_by_handle(t, *handle) : std::nullopt;
}

std::optional<Account> find_by_email(db::Transaction& t, std::string_view normalized_email) {
    return first_account(t.select("SELECT " ROOST_ACCOUNT_COLUMNS " FROM account WHERE email = $1",
                                  normalized_email));
}

std::optional<Account> find_by_id(db::Transaction& t, std::int64_t id) {
    return first_account(
        t.select("SELECT " ROOST_ACCOUNT_COLUMNS " FROM account WHERE id = $1", id));
}

bool has_any(db::Transaction& t) {
    db::Rows row =
        t.select("SELECT EXISTS (SELECT 1 FROM account) OR EXISTS (SELECT 1 FROM pending_signup)");
    return row.next() && row.integer(0) != 0;
}

std::int64_t insert(db::Transaction& t, const NewAccount& account, Timestamp now) {
    const std::optional<Timestamp> deactivated_at =
        account.is_deactivated ? std::optional(now) : std::nullopt;
    db::Rows rows = t.select(
        "INSERT INTO account (did, handle, email, password_hash, created_at, deactivated_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        account.did.text(), account.handle.text(), account.email, account.password_hash, now,
        deactivated_at);
    check(rows.next(), "an inserted account has an id");
    return rows.integer(0);
}

void erase(db::Transaction& t, std::int64_t id) {
    const std::int64_t count = t.execute("DELETE FROM account WHERE id = $1", id);
    check(count == 1, "the account to erase exists");
}

std::optional<std::string> password_hash(db::Transaction& t, std::int64_t id) {
    db::Rows rows = t.select("SELECT password_hash FROM account WHERE id = $1", id);
    if (!rows.next()) return std::nullopt;
    return rows.optional_text(0);
}

void set_password_hash(db::Transaction& t, std::int64_t id, std::string_view hash) {
    t.execute("UPDATE account SET password_hash = $2 WHERE id = $1", id, hash);
}

void set_handle(db::Transaction& t, std::int64_t id, const atproto::Handle& handle) {
    t.execute("UPDATE account SET handle = $2 WHERE id = $1", id, handle.text());
}

void set_email(db::Transaction& t, std::int64_t id, std::string_view email) {
    t.execute(
        "UPDATE account SET email = $2, email_confirmed_at = NULL, email_auth_factor = 0 "
        "WHERE id = $1",
        id, email);
}

void set_email_confirmed(db::Transaction& t, std::int64_t id, Timestamp now) {
    t.execute("UPDATE account SET email_confirmed_at = $2 WHERE id = $1", id, now);
}

void set_email_auth_factor(db::Transaction& t, std::int64_t id, bool is_on) {
    t.execute("UPDATE account SET email_auth_factor = $2 WHERE id = $1", id, is_on);
}

void set_deactivated(db::Transaction& t, std::int64_t id, std::optional<Timestamp> since,
                     std::optional<Timestamp> delete_after) {
    t.execute("UPDATE account SET deactivated_at = $2, delete_after = $3 WHERE id = $1", id, since,
              delete_after);
}

void set_takedown(db::Transaction& t, std::int64_t id, const std::optional<std::string>& ref) {
    t.execute("UPDATE account SET takedown_ref = $2 WHERE id = $1", id, ref);
}

void set_invite_rights(db::Transaction& t, std::int64_t id, InviteRights rights) {
    t.execute("UPDATE account SET invites_disabled = $2 WHERE id = $1", id,
              rights == InviteRights::withdrawn);
}

std::vector<Account> due_for_deletion(db::Transaction& t, Timestamp now, int limit) {
    std::vector<Account> due;
    db::Rows rows = t.select("SELECT " ROOST_ACCOUNT_COLUMNS
                             " FROM account WHERE delete_after IS NOT NULL AND delete_after <= $1 "
                             "ORDER BY delete_after LIMIT $2",
                             now, limit);
    while (rows.next())
        due.push_back(read_account(rows));
    return due;
}

void insert_pending(db::Transaction& t, const PendingSignup& signup) {
    t.execute("INSERT INTO pending_signup (" PENDING_COLUMNS
              ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
              signup.did.text(), signup.handle.text(), signup.email, signup.password_hash,
              signup.invite_code, signup.did_key, signup.sealed_key, signup.operation,
              signup.created_at);
}

bool erase_pending(db::Transaction& t, const atproto::Did& did) {
    return t.execute("DELETE FROM pending_signup WHERE did = $1", did.text()) == 1;
}

std::optional<PendingSignup> find_pending(db::Transaction& t, const atproto::Did& did) {
    db::Rows rows =
        t.select("SELECT " PENDING_COLUMNS " FROM pending_signup WHERE did = $1", did.text());
    if (!rows.next()) return std::nullopt;
    return read_pending(rows);
}

std::vector<PendingSignup> all_pending(db::Transaction& t, int limit) {
    std::vector<PendingSignup> found;
    db::Rows rows = t.select(
        "SELECT " PENDING_COLUMNS " FROM pending_signup ORDER BY created_at LIMIT $1", limit);
    while (rows.next())
        found.push_back(read_pending(rows));
    return found;
}

std::vector<atproto::Did> pending_holders(db::Transaction& t, const atproto::Handle& handle,
                                          const std::optional<std::string>& email) {
    std::vector<atproto::Did> holders;
    db::Rows rows = t.select("SELECT did FROM pending_signup WHERE handle = $1 OR email = $2",
                             handle.text(), email);
    while (rows.next())
        holders.push_back(stored_did(rows.text(0)));
    return holders;
}

}  // namespace roost::pds::account_store
