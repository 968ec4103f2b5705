// What a client asks to be written, and the same made ready: everything about it that does not
// depend on what the repository holds. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/data/value.h"
#include "atproto/lexicon/catalog.h"
#include "atproto/syntax/syntax.h"
#include "base/bytes.h"
#include "base/result.h"
#include "pds/blobs/used_blob.h"
#include "pds/repos/tid_clock.h"

namespace roost::pds {

enum class WriteKind {
    create,            // the record must not exist
    update,            // it must
    put,               // either
    erase,             // it must exist
    erase_if_present,  // nothing happens if it does not
};

struct Write {
    WriteKind kind;
    atproto::Nsid collection;
    std::optional<atproto::RecordKey> rkey = std::nullopt;  // only create may leave it to us
    atproto::Object record = {};                            // of the kinds that write one
    // What must be there now for the write to happen: a CID, or nothing at all.
    std::optional<std::optional<atproto::Cid>> swap_record = std::nullopt;
};

// Whether a record must obey its lexicon.
enum class Validation {
    off,
    when_known,  // if the lexicon is known here
    required,    // a record whose lexicon is unknown is refused
};
enum class ValidationStatus { valid, unknown, not_validated };

struct PreparedWrite {
    WriteKind kind;
    std::string key;  // "collection/rkey"
    std::optional<std::optional<atproto::Cid>> swap_record;
    // Of the kinds that write a record.
    std::optional<atproto::Cid> cid = std::nullopt;
    Bytes value = {};
    std::vector<UsedBlob> blobs = {};
    std::optional<std::string> subject = std::nullopt;  // see subject_of()
    ValidationStatus status = ValidationStatus::not_validated;

    std::string_view collection() const { return std::string_view(key).substr(0, key.find('/')); }
    std::string_view rkey() const { return std::string_view(key).substr(key.find('/') + 1); }
};

// Errors: Fault::invalid "InvalidRequest", as the reference words them: a $type that is not the
// collection, a record that does not obey its lexicon, a key that the lexicon forbids, a legacy
// blob, a record that is too large.
Result<PreparedWrite> prepare(Write write, Validation validation, const lexicon::Catalog& catalog,
                              TidClock& clock, Timestamp now);

// What a like, repost, follow or block points at: an AT-URI or a DID. None for other records, and
// for those where it is not well-formed.
std::optional<std::string> subject_of(std::string_view collection, const atproto::Object& record);

}  // namespace roost::pds
