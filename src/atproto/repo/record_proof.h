// A record with the proof that its owner's repository holds it, or that there is none: the answer
// of com.atproto.sync.getRecord, as somebody else's server gives it.
// https://atproto.com/specs/sync, https://atproto.com/specs/repository
#pragma once

#include <optional>
#include <string_view>

#include "atproto/crypto/keys.h"
#include "atproto/repo/car.h"
#include "atproto/syntax/syntax.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto {

struct ProvenRecord {
    Tid rev;                     // of the commit that proves it
    std::optional<Bytes> value;  // DAG-CBOR; nothing: the repository has no such record
};

// Believes nothing that the signature of the owner's key does not cover. The key is
// "collection/rkey". Errors: Fault::invalid, "InvalidProof"; those of CarReader and Tree::find().
Result<ProvenRecord> verify_record_proof(ByteView car, CarBounds bounds, const Did& did,
                                         const PublicKey& signing_key, std::string_view key);

}  // namespace roost::atproto
