// How an invite code is shown, and what its count may be.
#pragma once

#include "base/result.h"
#include "lexicon/com/atproto/server/defs.h"
#include "pds/accounts/invites.h"

namespace roost::api {

lexicon::com::atproto::server::defs::InviteCode invite_view(const pds::invites::Code& code);

Result<void> check_use_count(std::int64_t use_count);

}  // namespace roost::api
