// What all who change a did:plc identity do: find the operation to build on, and send the next one.
// Errors that a caller can act upon have messages for a person.
// https://web.plc.directory/spec/v0.1/did-plc
#pragma once

#include "atproto/plc/operation.h"
#include "base/result.h"
#include "base/task.h"
#include "pds/identity/plc_client.h"

namespace roost::pds::plc_log {

// Errors: UnresolvableDid (not a did:plc, not registered), InvalidRequest (ended by its owner),
// UpstreamFailure, UpstreamTimeout. The operation has a state.
Task<Result<atproto::plc::Operation>> last_of(PlcClient& plc, atproto::Did did);

// Whether the key may sign the operation after that one. Errors: InvalidRequest.
Result<void> check_signable(const atproto::plc::Operation& last, const atproto::PublicKey& key);

enum class Taken { yes, unknown };
// If the answer is lost, the directory is asked what its last operation is. Errors: the directory
// refused it, with its reason.
Task<Result<Taken>> submit(PlcClient& plc, atproto::Did did, atproto::plc::Operation operation);

}  // namespace roost::pds::plc_log
