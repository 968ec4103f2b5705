// An account as administrators see it.
#pragma once

#include "db/transaction.h"
#include "lexicon/com/atproto/admin/defs.h"
#include "pds/account.h"

namespace roost::api {

// With the invite codes it may give away, and the one that it came by.
lexicon::com::atproto::admin::defs::AccountView account_view(db::Transaction& t,
                                                             const pds::Account& account);

}  // namespace roost::api
