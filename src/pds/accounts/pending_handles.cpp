#include "pds/accounts/pending_handles.h"

#include "pds/accounts/account_row.h"

namespace roost::pds::pending_handles {

void put(db::Transaction& t, const Pending& pending) {
    t.execute(
        "INSERT INTO pending_handle (account_id, handle, created_at) VALUES ($1, $2, $3) "
        "ON CONFLICT (account_id) DO UPDATE SET handle = excluded.handle, "
        "created_at = excluded.created_at",
        pending.account_id, pending.handle.text(), pending.created_at);
}

void erase(db::Transaction& t, std::int64_t account_id) {
    t.execute("DELETE FROM pending_handle WHERE account_id = $1", account_id);
}

std::optional<std::int64_t> holder(db::Transaction& t, const atproto::Handle& handle) {
    db::Rows row =
        t.select("SELECT account_id FROM pending_handle WHERE handle = $1", handle.text());
    if (!row.next()) return std::nullopt;
    return row.integer(0);
}

std::vector<Pending> all(db::Transaction& t, int limit) {
    std::vector<Pending> found;
    db::Rows rows = t.select(
        "SELECT account_id, handle, created_at FROM pending_handle ORDER BY created_at LIMIT $1",
        limit);
    while (rows.next())
        found.push_back({rows.integer(0), stored_handle(rows.text(1)), rows.time(2)});
    return found;
}

}  // namespace roost::pds::pending_handles
