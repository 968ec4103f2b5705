#include "api/account_view.h"

#include "api/invite_view.h"

namespace roost::api {

namespace {

std::optional<std::string> iso8601(std::optional<Timestamp> time) {
    if (!time) return std::nullopt;
    return to_iso8601(*time);
}

}  // namespace

lexicon::com::atproto::admin::defs::AccountView account_view(db::Transaction& t,
                                                             const pds::Account& account) {
    lexicon::com::atproto::admin::defs::AccountView view{
        .did = account.did,
        .handle = account.handle,
        .email = account.email,
        .indexedAt = to_iso8601(account.created_at),
        .invites = std::vector<lexicon::com::atproto::server::defs::InviteCode>(),
        .invitesDisabled = account.invites_disabled,
        .emailConfirmedAt = iso8601(account.email_confirmed_at),
        .deactivatedAt = iso8601(account.deactivated_at),
    };
    for (const pds::invites::Code& code : pds::invites::of_account(t, account.did.text()))
        view.invites->push_back(invite_view(code));
    if (const auto came_by = pds::invites::used_by(t, account.did.text()))
        view.invitedBy = invite_view(*came_by);
    return view;
}

}  // namespace roost::api
