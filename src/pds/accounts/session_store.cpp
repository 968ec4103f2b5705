#include "pds/accounts/session_store.h"

#include "base/check.h"
#include "pds/accounts/account_row.h"

namespace roost::pds::session_store {

void insert(db::Transaction& t, const Session& session) {
    t.execute(
        "INSERT INTO session (id, account_id, scope, app_password, token, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        session.id, session.account_id, scope_text(session.scope), session.app_password,
        session.token, session.created_at, session.expires_at);
}

std::optional<Session> find(db::Transaction& t, std::string_view id) {
    db::Rows row = t.select(
        "SELECT id, account_id, scope, app_password, token, previous_token, rotated_at, "
        "created_at, expires_at FROM session WHERE id = $1",
        id);
    if (!row.next()) return std::nullopt;
    const std::optional<Scope> scope = parse_scope(row.text(2));
    check(scope.has_value(), "a stored scope is known");
    return Session{
        .id = std::string(row.text(0)),
        .account_id = row.integer(1),
        .scope = *scope,
        .app_password = row.optional_text(3),
        .token = std::string(row.text(4)),
        .previous_token = row.optional_text(5),
        .rotated_at = row.optional_time(6),
        .created_at = row.time(7),
        .expires_at = row.time(8),
    };
}

std::optional<Owned> account_of(db::Transaction& t, std::string_view id) {
    db::Rows row = t.select("SELECT " ROOST_ACCOUNT_COLUMNS
                            ", session.rowid FROM session "
                            "JOIN account ON account.id = session.account_id "
                            "WHERE session.id = $1",
                            id);
    if (!row.next()) return std::nullopt;
    return Owned{read_account(row), row.integer(account_column_count)};
}

void rotate(db::Transaction& t, std::string_view id, std::string_view next_token,
            Timestamp expires_at, Timestamp now) {
    t.execute(
        "UPDATE session SET previous_token = token, token = $2, expires_at = $3, rotated_at = $4 "
        "WHERE id = $1",
        id, next_token, expires_at, now);
}

void erase(db::Transaction& t, std::string_view id) {
    t.execute("DELETE FROM session WHERE id = $1", id);
}

void erase_of_account(db::Transaction& t, std::int64_t account_id) {
    t.execute("DELETE FROM session WHERE account_id = $1", account_id);
}

void erase_of_app_password(db::Transaction& t, std::int64_t account_id, std::string_view name) {
    t.execute("DELETE FROM session WHERE account_id = $1 AND app_password = $2", account_id, name);
}

void erase_beyond(db::Transaction& t, std::int64_t account_id, int keep) {
    {
        // Counting does not sort them.
        db::Rows row = t.select("SELECT count(*) FROM session WHERE account_id = $1", account_id);
        if (row.next() && row.integer(0) <= keep) return;
    }
    t.execute(
        "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE account_id = $1 "
        "ORDER BY rowid DESC LIMIT -1 OFFSET $2)",
        account_id, keep);
}

Sweep erase_expired(db::Transaction& t, std::int64_t after, std::int64_t rows, Timestamp now) {
    std::int64_t last = 0;
    {
        db::Rows row = t.select(
            "SELECT coalesce(max(rowid), 0) FROM (SELECT rowid FROM session WHERE rowid > $1 "
            "ORDER BY rowid LIMIT $2)",
            after, rows);
        if (row.next()) last = row.integer(0);
    }
    return {last,
            t.execute("DELETE FROM session WHERE rowid > $1 AND rowid <= $2 AND expires_at <= $3",
                      after, last, now)};
}

}  // namespace roost::pds::session_store
