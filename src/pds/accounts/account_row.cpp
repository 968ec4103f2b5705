#include "pds/accounts/account_row.h"

#include "base/check.h"

namespace roost::pds {

atproto::Did stored_did(std::string_view text) {
    Result<atproto::Did> did = atproto::Did::parse(text);
    check(did.has_value(), "a stored DID is valid");
    return *std::move(did);
}

atproto::Handle stored_handle(std::string_view text) {
    Result<atproto::Handle> handle = atproto::Handle::parse(text);
    check(handle.has_value(), "a stored handle is valid");
    return *std::move(handle);
}

Account read_account(const db::Rows& row) {
    return {
        .id = row.integer(0),
        .did = stored_did(row.text(1)),
        .handle = stored_handle(row.text(2)),
        .email = row.optional_text(3),
        .email_confirmed_at = row.optional_time(4),
        .email_auth_factor = row.integer(5) != 0,
        .created_at = row.time(6),
        .deactivated_at = row.optional_time(7),
        .delete_after = row.optional_time(8),
        .takedown_ref = row.optional_text(9),
        .invites_disabled = row.integer(10) != 0,
    };
}

std::optional<Account> first_account(db::Rows rows) {
    if (!rows.next()) return std::nullopt;
    return read_account(rows);
}

}  // namespace roost::pds
