// Whom or what an administrator's method is about.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "api/services.h"
#include "atproto/data/cid.h"
#include "atproto/data/value.h"
#include "base/task.h"
#include "pds/account.h"

namespace roost::api {

struct RecordSubject {
    pds::Account account;
    atproto::AtUri uri;
    std::string key;  // "collection/rkey"
};
struct BlobSubject {
    pds::Account account;
    atproto::Cid cid;
};
using Subject = std::variant<pds::Account, RecordSubject, BlobSubject>;

// Errors: Fault::invalid, "NotFound".
Task<Result<pds::Account>> find_account(const Services& services, std::string did_or_handle);
// A record that may or may not be there. Errors: as above; InvalidRequest.
Task<Result<RecordSubject>> find_record(const Services& services, std::string uri);
// The same for a blob.
Task<Result<BlobSubject>> find_blob(const Services& services, std::string did, std::string cid);

// How the audit log names it: by a DID, a URI, or a DID and the CID of its blob; "" for nonsense.
std::string name_of_subject(const atproto::Value& subject);

// What a subject union names. Errors as above, InvalidRequest for another type.
Task<Result<Subject>> find_subject(const Services& services, const atproto::Value& subject);

}  // namespace roost::api
