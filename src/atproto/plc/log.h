// The log of a did:plc identity, judged as the directory judges it.
//
// The keys of an operation are in order of strength. Within 72 hours, a stronger key than the one
// that signed an operation may replace that operation and all after it, by naming the one before it
// as its predecessor: the replaced ones are nullified.
// https://web.plc.directory/spec/v0.1/did-plc#key-rotation-account-recovery
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "atproto/plc/operation.h"
#include "base/clock.h"

namespace roost::atproto::plc {

// As the directory's audit log lists them, oldest first.
struct LogEntry {
    Operation operation;
    Timestamp created;
    bool nullified = false;
};

// Whether the operation may be the next one of the DID's log, at that time. The answer is how many
// entries at the end of the log it nullifies: usually 0. The log is valid and without nullified
// entries. Errors: Fault::invalid; InvalidOperation, GenesisHashMismatch, MisorderedOperation,
// InvalidSignature, LateRecovery.
Result<std::size_t> check_next(const Did& did, std::span<const LogEntry> log,
                               const Operation& proposed, Timestamp created);

// The state at the end of a whole log without nullified entries; nothing if it ends in a tombstone.
// Errors as above.
Result<std::optional<State>> verify_log(const Did& did, std::span<const Operation> log);

// The same for an audit log: nullified entries are there, are judged, and must be marked rightly.
Result<std::optional<State>> verify_audit_log(const Did& did, std::span<const LogEntry> log);

}  // namespace roost::atproto::plc
