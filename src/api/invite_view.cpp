#include "api/invite_view.h"

#include "pds/accounts/account_row.h"
#include "pds/limits.h"

namespace roost::api {

lexicon::com::atproto::server::defs::InviteCode invite_view(const pds::invites::Code& code) {
    lexicon::com::atproto::server::defs::InviteCode view{
        .code = code.code,
        .available = code.available,
        .disabled = code.is_disabled,
        .forAccount = code.for_account,
        .createdBy = code.created_by,
        .createdAt = to_iso8601(code.created_at),
        .uses = {},
    };
    for (const pds::invites::Use& use : code.uses)
        view.uses.push_back(
            {.usedBy = pds::stored_did(use.used_by), .usedAt = to_iso8601(use.used_at)});
    return view;
}

Result<void> check_use_count(std::int64_t use_count) {
    if (use_count < 1 || use_count > pds::limits::invite_uses_max)
        return Error::invalid("useCount must be from 1 to 1000000");
    return {};
}

}  // namespace roost::api
