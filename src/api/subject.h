// Whom an administrator's method is about.
#pragma once

#include "api/services.h"
#include "atproto/data/value.h"
#include "base/task.h"
#include "pds/account.h"

namespace roost::api {

// Errors: Fault::invalid, "NotFound".
Task<Result<pds::Account>> find_account(const Services& services, atproto::Did did);

// The account that a subject union names. Records and blobs are no subjects yet: they do not exist
// here. Errors as above, InvalidRequest for another type.
Task<Result<pds::Account>> find_subject(const Services& services, const atproto::Value& subject);

}  // namespace roost::api
