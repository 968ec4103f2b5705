// Stored records, as answers show them. What most requests ask for is written straight from what is
// stored.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/services.h"
#include "atproto/syntax/syntax.h"
#include "base/task.h"
#include "pds/account.h"
#include "pds/repos/record_store.h"

namespace roost::api {

// The account that a DID or handle names, if its repository is open to everybody; else null. The
// identifier outlives the task.
Task<Result<std::shared_ptr<const pds::Account>>> find_public_account(const Services& services,
                                                                      std::string_view identifier);

// {"uri": …, "cid": …, "value": …}
void append_record(std::string& json, const atproto::Did& did,
                   const pds::record_store::RecordView& record);
atproto::AtUri uri_of(const atproto::Did& did, std::string_view key);

}  // namespace roost::api
