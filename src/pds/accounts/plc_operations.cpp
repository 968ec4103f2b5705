#include "pds/accounts/plc_operations.h"

#include <algorithm>

#include "base/check.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/email_tokens.h"
#include "pds/accounts/key_store.h"
#include "pds/accounts/plc_log.h"
#include "pds/error_names.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

namespace plc = atproto::plc;

template <class T>
const T* find_named(const std::vector<std::pair<std::string, T>>& entries, std::string_view name) {
    const auto found = std::ranges::find(entries, name, &std::pair<std::string, T>::first);
    return found != entries.end() ? &found->second : nullptr;
}

// Whether the account can be used here with such an identity, and this server can still change it.
Result<void> check_usable_here(const plc::State& state, const plc::State& recommended,
                               const std::string& rotation_key) {
    if (std::ranges::find(state.rotation_keys, rotation_key) == state.rotation_keys.end())
        return Error::invalid("Rotation keys do not include server's rotation key");
    const plc::Service* const server = find_named(state.services, "atproto_pds");
    const plc::Service* const wanted = find_named(recommended.services, "atproto_pds");
    if (!server || server->type != wanted->type)
        return Error::invalid("Incorrect type on atproto_pds service");
    if (server->endpoint != wanted->endpoint)
        return Error::invalid("Incorrect endpoint on atproto_pds service");
    const std::string* const key = find_named(state.verification_methods, "atproto");
    if (!key || *key != *find_named(recommended.verification_methods, "atproto"))
        return Error::invalid("Incorrect signing key");
    if (state.also_known_as.empty() ||
        state.also_known_as.front() != recommended.also_known_as.front())
        return Error::invalid("Incorrect handle in alsoKnownAs");
    return {};
}

}  // namespace

Task<Result<plc::State>> PlcOperations::recommended(Account account) {
    std::vector<atproto::PublicKey> rotation_keys;
    if (options_.operator_recovery_key) rotation_keys.push_back(*options_.operator_recovery_key);
    rotation_keys.push_back(options_.rotation_key.public_key());
    co_return co_await parts_.db.read([&](db::Transaction& t) -> Result<plc::State> {
        const std::optional<Account> current = account_store::find_by_id(t, account.id);
        if (!current) return Error::invalid("Account not found");
        const atproto::PrivateKey key = TRY(key_store::find(t, account.id, parts_.vault));
        return plc::make_state(current->handle, key.public_key(), options_.public_url,
                               rotation_keys);
    });
}

Task<Result<plc::Operation>> PlcOperations::sign(Account account, std::string code,
                                                 Changes changes) {
    using email_tokens::Verdict;
    const plc::Operation last = CO_TRY(co_await plc_log::last_of(parts_.plc, account.did));
    CO_TRY(plc_log::check_signable(last, options_.rotation_key.public_key()));
    plc::State state = last.state();
    if (changes.rotation_keys) state.rotation_keys = *std::move(changes.rotation_keys);
    if (changes.also_known_as) state.also_known_as = *std::move(changes.also_known_as);
    if (changes.verification_methods)
        state.verification_methods =
            CO_TRY(plc::parse_verification_methods(*changes.verification_methods));
    if (changes.services) state.services = CO_TRY(plc::parse_services(*changes.services));
    CO_TRY(plc::check_submittable(state));
    const Timestamp time = now();
    const Verdict verdict = CO_TRY(co_await parts_.db.write(
        [id = account.id, code = std::move(code), time](db::Transaction& t) -> Result<Verdict> {
            return email_tokens::redeem(t, id, email_tokens::Purpose::plc_operation, code, time);
        }));
    CO_TRY(email_tokens::to_result(verdict));
    co_return plc::Operation::sign(state, last.cid(), options_.rotation_key);
}

Task<Result<void>> PlcOperations::submit(Account account, atproto::Value value) {
    const Result<plc::Operation> operation = plc::Operation::parse(value);
    if (!operation.has_value())
        co_return Error::invalid("Invalid operation: " + operation.error().message);
    if (operation->kind() != plc::Kind::plc_operation)
        co_return Error::invalid("Invalid operation: its type must be plc_operation");
    const IdentityTurns::Turn turn = CO_TRY(parts_.turns.take(account.id));
    const plc::State wanted = CO_TRY(co_await recommended(account));
    CO_TRY(check_usable_here(operation->state(), wanted,
                             options_.rotation_key.public_key().did_key()));
    CO_TRY(co_await send(account.did, *operation));
    const Timestamp time = now();
    CO_TRY(co_await parts_.db.write([id = account.id, time](db::Transaction& t) -> Result<void> {
        const std::optional<Account> current = account_store::find_by_id(t, id);
        if (!current) return Error::invalid("Account not found");
        event_log::append_identity(t, current->did, current->handle, time);
        return {};
    }));
    // For who asks for the document next; that it was found is not needed.
    (void)co_await parts_.resolver.did_document(account.did);
    co_return Result<void>();
}

Task<Result<void>> PlcOperations::send(atproto::Did did, plc::Operation operation) {
    const plc::Operation last = CO_TRY(co_await plc_log::last_of(parts_.plc, did));
    if (last.cid() == operation.cid()) co_return Result<void>();
    if (CO_TRY(co_await plc_log::submit(parts_.plc, did, std::move(operation))) ==
        plc_log::Taken::unknown)
        co_return Error{Fault::upstream_failed, "UpstreamFailure",
                        "The PLC directory did not answer, so it is not known whether it has taken "
                        "the operation; please submit the same operation again."};
    co_return Result<void>();
}

}  // namespace roost::pds
