// Stored records, as answers show them.
#pragma once

#include <optional>
#include <string_view>

#include "api/services.h"
#include "atproto/data/value.h"
#include "pds/account.h"
#include "pds/repos/record_store.h"

namespace roost::api {

// The account that a DID or handle names, if its repository is open to everybody.
std::optional<pds::Account> find_public_account(db::Transaction& t, std::string_view identifier);

atproto::Value value_of(const pds::record_store::Record& record);
atproto::AtUri uri_of(const atproto::Did& did, std::string_view key);

}  // namespace roost::api
