#include "pds/accounts/handle_changes.h"

#include <algorithm>

#include "atproto/data/json.h"
#include "base/check.h"
#include "base/log.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/pending_handles.h"
#include "pds/accounts/plc_log.h"
#include "pds/error_names.h"
#include "pds/identity/limits.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

namespace plc = atproto::plc;

Error handle_taken(const atproto::Handle& handle) {
    return refusal("Handle already taken: " + handle.text(), error_names::HandleNotAvailable);
}

// Another account has it, is about to have it, or may be made with it.
Result<void> check_free(db::Transaction& t, std::int64_t account_id,
                        const atproto::Handle& handle) {
    const std::optional<Account> owner = account_store::find_by_handle(t, handle);
    if (owner && owner->id != account_id) return handle_taken(handle);
    const std::optional<std::int64_t> holder = pending_handles::holder(t, handle);
    if (holder && *holder != account_id) return handle_taken(handle);
    if (!account_store::pending_holders(t, handle, std::nullopt).empty())
        return handle_taken(handle);
    return {};
}

bool names(const plc::State& state, const atproto::Handle& handle) {
    return plc::with_handle(state, handle) == state;
}

}  // namespace

Task<Result<void>> HandleChanges::change(Account account, std::string handle) {
    CO_TRY(co_await change_by(std::move(account), std::move(handle), std::nullopt));
    co_return Result<void>();
}

Task<Result<Audited>> HandleChanges::change(Account account, std::string handle, AdminAct act) {
    const std::optional<Audited> proof =
        CO_TRY(co_await change_by(std::move(account), std::move(handle), std::move(act)));
    check(proof.has_value(), "what an administrator does is in the audit log");
    co_return *proof;
}

Task<Result<std::optional<Audited>>> HandleChanges::change_by(Account account,
                                                              std::string handle_text, By by) {
    const ReservedLabels reserved = by ? ReservedLabels::allowed : ReservedLabels::refused;
    const atproto::Handle handle =
        CO_TRY(co_await check_wanted(account, std::move(handle_text), reserved));
    const IdentityTurns::Turn turn = CO_TRY(parts_.turns.take(account.id));
    CO_TRY(co_await parts_.db.read(
        [&](db::Transaction& t) -> Result<void> { return check_free(t, account.id, handle); }));
    if (account.did.method() == "plc")
        CO_TRY(co_await change_in_directory(account, handle, by));
    else
        CO_TRY(co_await check_document(account.did, handle));
    const std::optional<Audited> proof = CO_TRY(co_await finish(account.id, handle, std::move(by)));
    // For who asks for the document next; that it was found is not needed.
    (void)co_await parts_.resolver.did_document(account.did);
    co_return proof;
}

Task<Result<atproto::Handle>> HandleChanges::check_wanted(const Account& account,
                                                          std::string wanted,
                                                          ReservedLabels reserved) {
    atproto::Handle handle = CO_TRY(parts_.handles.normalize(wanted));
    if (parts_.handles.is_on_service_domain(handle)) {
        // Who has a handle keeps it, whatever is asked of new ones.
        if (handle != account.handle) CO_TRY(parts_.handles.check_service_handle(handle, reserved));
    } else if (const FoundDid found = co_await parts_.resolver.handle(handle);
               !found.has_value() || *found != account.did) {
        co_return Error::invalid("External handle did not resolve to DID");
    }
    co_return handle;
}

Task<Result<void>> HandleChanges::change_in_directory(const Account& account,
                                                      atproto::Handle handle, By by) {
    const plc::Operation last = CO_TRY(co_await plc_log::last_of(parts_.plc, account.did));
    if (names(last.state(), handle)) co_return Result<void>();
    CO_TRY(plc_log::check_signable(last, rotation_key_.public_key()));
    const plc::State next = plc::with_handle(last.state(), handle);
    CO_TRY(plc::check_submittable(next));
    const plc::Operation operation = plc::Operation::sign(next, last.cid(), rotation_key_);
    CO_TRY(co_await hold(account.id, handle, std::move(by)));
    Result<plc_log::Taken> taken = co_await plc_log::submit(parts_.plc, account.did, operation);
    if (!taken.has_value()) {
        CO_TRY(co_await let_go(account.id));
        co_return taken.error();
    }
    // What is not known is settled later; the handle is held until then.
    if (*taken == plc_log::Taken::unknown)
        co_return Error{Fault::upstream_failed, "UpstreamFailure",
                        "The PLC directory did not answer, so it is not decided whether the "
                        "handle changes; please look again, or try again, in a minute."};
    co_return Result<void>();
}

Task<Result<void>> HandleChanges::check_document(atproto::Did did, atproto::Handle handle) {
    const std::optional<atproto::DidDocument> document =
        CO_TRY(co_await parts_.resolver.did_document(did));
    if (!document) co_return refusal("Could not resolve DID", error_names::UnresolvableDid);
    if (document->handle() != handle)
        co_return Error::invalid("DID is not properly configured for handle");
    co_return Result<void>();
}

Task<Result<void>> HandleChanges::hold(std::int64_t account_id, atproto::Handle handle, By by) {
    const pending_handles::Pending pending{account_id, std::move(handle), now()};
    co_return co_await parts_.db.write([pending, by](db::Transaction& t) -> Result<void> {
        if (!account_store::find_by_id(t, pending.account_id))
            return Error::invalid("Account not found");
        TRY(check_free(t, pending.account_id, pending.handle));
        pending_handles::put(t, pending);
        if (by) audit_log::append(t, by->with("begun"));
        return {};
    });
}

Task<Result<void>> HandleChanges::let_go(std::int64_t account_id) {
    co_return co_await parts_.db.write([account_id](db::Transaction& t) -> Result<void> {
        pending_handles::erase(t, account_id);
        return {};
    });
}

Task<Result<std::optional<Audited>>> HandleChanges::finish(std::int64_t account_id,
                                                           atproto::Handle handle, By by) {
    const Timestamp time = now();
    co_return co_await parts_.db.write(
        [account_id, handle, time, by](db::Transaction& t) -> Result<std::optional<Audited>> {
            const std::optional<Account> current = account_store::find_by_id(t, account_id);
            if (!current) return Error::invalid("Account not found");
            TRY(check_free(t, account_id, handle));
            pending_handles::erase(t, account_id);
            if (current->handle != handle) account_store::set_handle(t, account_id, handle);
            event_log::append_identity(t, current->did, handle, time);
            if (!by) return std::optional<Audited>();
            return std::optional(audit_log::append(t, *by));
        });
}

Task<void> HandleChanges::settle_pending() {
    struct Cut {
        pending_handles::Pending pending;
        atproto::Did did;
    };
    const auto all = co_await parts_.db.read([](db::Transaction& t) -> Result<std::vector<Cut>> {
        std::vector<Cut> found;
        for (pending_handles::Pending& pending :
             pending_handles::all(t, limits::pending_changes_batch))
            if (const auto account = account_store::find_by_id(t, pending.account_id))
                found.push_back({std::move(pending), account->did});
        return found;
    });
    if (!all.has_value()) co_return;
    for (const auto& [pending, did] : *all) {
        const Result<IdentityTurns::Turn> turn = parts_.turns.take(pending.account_id);
        if (!turn.has_value()) continue;
        const Result<plc::Operation> last = co_await plc_log::last_of(parts_.plc, did);
        if (!last.has_value()) {
            log::warn("a change of a handle waits for the PLC directory", {{"did", did.text()}});
            continue;
        }
        if (names(last->state(), pending.handle)) {
            const auto done = co_await finish(pending.account_id, pending.handle, std::nullopt);
            if (done.has_value())
                log::info("finished a change of a handle that was interrupted",
                          {{"did", did.text()}});
        } else if (pending.created_at.plus_s(limits::pending_change_s) <= now()) {
            const Result<void> done = co_await let_go(pending.account_id);
            if (done.has_value())
                log::info("dropped a change of a handle that the PLC directory never saw",
                          {{"did", did.text()}});
        }
    }
}

}  // namespace roost::pds
