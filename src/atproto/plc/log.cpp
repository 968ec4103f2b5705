#include "atproto/plc/log.h"

#include <algorithm>

#include "atproto/limits.h"

namespace roost::atproto::plc {

namespace {

Error invalid(std::string name, std::string message) {
    return Error::invalid(std::move(message), std::move(name));
}

Result<void> check_genesis(const Did& did, const Operation& operation) {
    if (operation.kind() == Kind::tombstone || operation.prev())
        return invalid("MisorderedOperation", "a log begins with an operation without prev");
    if (!operation.find_signer(operation.state().rotation_keys))
        return invalid("InvalidSignature", "the first operation is not signed by its own keys");
    if (operation.make_did() != did)
        return invalid("GenesisHashMismatch",
                       "the first operation makes another DID, " + operation.make_did().text());
    return {};
}

// The keys that may sign the operation after this one.
Result<std::span<const std::string>> successor_keys(const Operation& operation) {
    if (operation.kind() == Kind::tombstone)
        return invalid("MisorderedOperation", "nothing follows a tombstone");
    return std::span<const std::string>(operation.state().rotation_keys);
}

Result<void> check_signed(const Operation& operation, std::span<const std::string> keys) {
    if (operation.find_signer(keys)) return {};
    return invalid("InvalidSignature",
                   "the operation is not signed by a rotation key of its predecessor");
}

Result<void> check_signed_after(const Operation& prev, const Operation& operation) {
    return check_signed(operation, TRY(successor_keys(prev)));
}

// The operation follows prev; first_undone is the one that followed it so far.
Result<void> check_recovery(const Operation& prev, const LogEntry& first_undone,
                            const Operation& proposed, Timestamp created) {
    const std::span<const std::string> keys = TRY(successor_keys(prev));
    const std::optional<std::size_t> signer = first_undone.operation.find_signer(keys);
    if (!signer) return invalid("InvalidSignature", "the log itself has a wrong signature");
    TRY(check_signed(proposed, keys.first(*signer)));
    if (created > first_undone.created.plus_s(limits::plc_recovery_window_s))
        return invalid("LateRecovery", "an operation can be undone for 72 hours only");
    return {};
}

// check_next() over entries that need not lie side by side.
Result<std::size_t> check_next_of(const Did& did, std::span<const LogEntry* const> log,
                                  const Operation& proposed, Timestamp created) {
    if (log.empty()) {
        TRY(check_genesis(did, proposed));
        return 0;
    }
    if (!proposed.prev() || proposed.kind() == Kind::create)
        return invalid("MisorderedOperation", "a later operation names the one before it");
    const auto found = std::find_if(log.rbegin(), log.rend(), [&](const LogEntry* entry) {
        return entry->operation.cid() == *proposed.prev();
    });
    if (found == log.rend())
        return invalid("MisorderedOperation", "the operation's prev is not in the log");
    const std::size_t undone = static_cast<std::size_t>(found - log.rbegin());
    const Operation& prev = (*found)->operation;
    if (undone == 0)
        TRY(check_signed_after(prev, proposed));
    else
        TRY(check_recovery(prev, *log[log.size() - undone], proposed, created));
    return undone;
}

std::optional<State> final_state(const Operation& last) {
    if (last.kind() == Kind::tombstone) return std::nullopt;
    return last.state();
}

Result<void> check_length(std::size_t operations) {
    if (operations == 0) return invalid("MisorderedOperation", "the log is empty");
    if (operations > limits::plc_log_operations_max)
        return invalid("InvalidOperation", "the log is too long");
    return {};
}

}  // namespace

Result<std::size_t> check_next(const Did& did, std::span<const LogEntry> log,
                               const Operation& proposed, Timestamp created) {
    std::vector<const LogEntry*> entries;
    for (const LogEntry& entry : log)
        entries.push_back(&entry);
    return check_next_of(did, entries, proposed, created);
}

Result<std::optional<State>> verify_log(const Did& did, std::span<const Operation> log) {
    TRY(check_length(log.size()));
    TRY(check_genesis(did, log.front()));
    for (std::size_t i = 1; i < log.size(); ++i) {
        if (log[i].prev() != log[i - 1].cid() || log[i].kind() == Kind::create)
            return invalid("MisorderedOperation", "an operation does not name the one before it");
        TRY(check_signed_after(log[i - 1], log[i]));
    }
    return final_state(log.back());
}

Result<std::optional<State>> verify_audit_log(const Did& did, std::span<const LogEntry> log) {
    TRY(check_length(log.size()));
    std::vector<const LogEntry*> current;
    std::vector<const LogEntry*> nullified;
    for (const LogEntry& entry : log) {
        const std::size_t undone = TRY(check_next_of(did, current, entry.operation, entry.created));
        const auto first_undone = current.end() - static_cast<std::ptrdiff_t>(undone);
        nullified.insert(nullified.end(), first_undone, current.end());
        current.erase(first_undone, current.end());
        current.push_back(&entry);
    }
    const auto is_marked = [](const LogEntry* entry) { return entry->nullified; };
    if (!std::ranges::all_of(nullified, is_marked) || std::ranges::any_of(current, is_marked))
        return invalid("MisorderedOperation", "the log marks the wrong operations as nullified");
    return final_state(current.back()->operation);
}

}  // namespace roost::atproto::plc
