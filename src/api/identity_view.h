// An identity as com.atproto.identity shows it.
#pragma once

#include "lexicon/com/atproto/identity/defs.h"
#include "pds/accounts/identities.h"

namespace roost::api {

// Without a handle that is right: handle.invalid.
lexicon::com::atproto::identity::defs::IdentityInfo identity_info(
    const pds::Identities::Identity& identity);

}  // namespace roost::api
