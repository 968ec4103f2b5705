#include "pds/accounts/signing_key_changes.h"

#include <memory>

#include "base/check.h"
#include "base/log.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/key_store.h"
#include "pds/accounts/plc_log.h"
#include "pds/error_names.h"
#include "pds/identity/limits.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

namespace plc = atproto::plc;

Error not_held(const std::string& did_key) {
    return Error::invalid("This server does not hold " + did_key +
                          " for this account; com.atproto.server.reserveSigningKey makes a key");
}

// In the transaction of the new commit, before it: the key, and the word that there is another one.
// Nothing is pending when the account has the key already.
Result<void> put_into_place(db::Transaction& t, const Account& account, Timestamp time) {
    const std::optional<Account> current = account_store::find_by_id(t, account.id);
    if (!current) return Error::invalid("Account not found");
    if (key_store::find_pending(t, account.id)) key_store::adopt_pending(t, account.id);
    event_log::append_identity(t, current->did, current->handle, time);
    return {};
}

}  // namespace

Task<Result<Audited>> SigningKeyChanges::change(Account account, std::string did_key,
                                                AdminAct act) {
    const IdentityTurns::Turn turn = CO_TRY(parts_.turns.take(account.id));
    const atproto::PublicKey key = CO_TRY(co_await prepare(account, std::move(did_key), act));
    const Repos::Pause pause = CO_TRY(co_await parts_.repos.pause(account.id));
    const Result<bool> is_named = co_await change_identity(account.did, key);
    if (!is_named.has_value()) {
        CO_TRY(co_await give_back(account.id, account.did));
        co_return is_named.error();
    }
    // What is not known is settled later.
    if (!*is_named)
        co_return Error{Fault::upstream_failed, "UpstreamFailure",
                        "The PLC directory did not answer, so it is not decided whether the "
                        "signing key changes; please look again, or try again, in a minute."};
    const std::optional<Audited> proof = CO_TRY(co_await finish(pause, account, std::move(act)));
    check(proof.has_value(), "what an administrator does is in the audit log");
    // For who asks for the document next; that it was found is not needed.
    (void)co_await parts_.resolver.did_document(account.did);
    co_return *proof;
}

Task<Result<atproto::PublicKey>> SigningKeyChanges::prepare(const Account& account,
                                                            std::string did_key, AdminAct act) {
    const Timestamp time = now();
    CO_TRY(co_await parts_.db.write([&vault = parts_.vault, id = account.id, did = account.did,
                                     did_key, time, act](db::Transaction& t) -> Result<void> {
        if (!account_store::find_by_id(t, id)) return Error::invalid("Account not found");
        if (const auto pending = key_store::find_pending(t, id)) {
            if (pending->did_key == did_key) return {};
            return Error::unavailable(
                "It is not decided yet whether the signing key changes to " + pending->did_key,
                limits::pending_change_s);
        }
        if (TRY(key_store::find(t, id, vault)).public_key().did_key() == did_key) return {};
        if (!key_store::make_pending(t, id, did, did_key, time)) return not_held(did_key);
        audit_log::append(t, act.with("begun"));
        return {};
    }));
    // What was written must be readable before anything names the key.
    co_return co_await parts_.db.read([&](db::Transaction& t) -> Result<atproto::PublicKey> {
        const bool is_pending = key_store::find_pending(t, account.id).has_value();
        const atproto::PrivateKey key =
            TRY(is_pending ? key_store::open_pending(t, account.id, parts_.vault)
                           : key_store::find(t, account.id, parts_.vault));
        check(key.public_key().did_key() == did_key, "a stored key is the one that was reserved");
        return key.public_key();
    });
}

Task<Result<bool>> SigningKeyChanges::is_named(atproto::Did did, atproto::PublicKey key) {
    if (did.method() == "plc") {
        const plc::Operation last = CO_TRY(co_await plc_log::last_of(parts_.plc, did));
        co_return plc::with_signing_key(last.state(), key) == last.state();
    }
    const std::optional<atproto::DidDocument> document =
        CO_TRY(co_await parts_.resolver.did_document(did));
    if (!document) co_return refusal("Could not resolve DID", error_names::UnresolvableDid);
    co_return document->signing_key() == key;
}

Task<Result<bool>> SigningKeyChanges::change_identity(atproto::Did did, atproto::PublicKey key) {
    if (did.method() != "plc") {
        if (!CO_TRY(co_await is_named(did, key)))
            co_return Error::invalid("The DID document does not name this signing key");
        co_return true;
    }
    const plc::Operation last = CO_TRY(co_await plc_log::last_of(parts_.plc, did));
    const plc::State next = plc::with_signing_key(last.state(), key);
    if (next == last.state()) co_return true;
    CO_TRY(plc_log::check_signable(last, rotation_key_.public_key()));
    CO_TRY(plc::check_submittable(next));
    const plc_log::Taken taken = CO_TRY(co_await plc_log::submit(
        parts_.plc, did, plc::Operation::sign(next, last.cid(), rotation_key_)));
    co_return taken == plc_log::Taken::yes;
}

Task<Result<void>> SigningKeyChanges::give_back(std::int64_t account_id, atproto::Did did) {
    co_return co_await parts_.db.write([account_id, did](db::Transaction& t) -> Result<void> {
        if (key_store::find_pending(t, account_id))
            key_store::give_back_pending(t, account_id, did);
        return {};
    });
}

Task<Result<std::optional<Audited>>> SigningKeyChanges::finish(const Repos::Pause& pause,
                                                               Account account,
                                                               std::optional<AdminAct> act) {
    const Timestamp time = now();
    const auto proof = std::make_shared<std::optional<Audited>>();
    CO_TRY(co_await parts_.repos.renew_paused(
        pause, account.id, account.did, account.is_active() ? Repos::Told::yes : Repos::Told::no,
        [account, time, act, proof](db::Transaction& t) -> Result<void> {
            if (act) *proof = audit_log::append(t, *act);
            return put_into_place(t, account, time);
        }));
    co_return *proof;
}

Task<void> SigningKeyChanges::settle_pending() {
    struct Cut {
        key_store::PendingKey pending;
        Account account;
    };
    const auto all = co_await parts_.db.read([](db::Transaction& t) -> Result<std::vector<Cut>> {
        std::vector<Cut> found;
        for (key_store::PendingKey& pending :
             key_store::all_pending(t, limits::pending_changes_batch))
            if (auto account = account_store::find_by_id(t, pending.account_id))
                found.push_back({std::move(pending), *std::move(account)});
        return found;
    });
    if (!all.has_value()) co_return;
    for (const auto& [pending, account] : *all) {
        const Result<IdentityTurns::Turn> turn = parts_.turns.take(account.id);
        if (!turn.has_value()) continue;
        const Result<Repos::Pause> pause = co_await parts_.repos.pause(account.id);
        if (!pause.has_value()) continue;
        const Result<atproto::PublicKey> key = atproto::PublicKey::parse_did_key(pending.did_key);
        check(key.has_value(), "a stored key is a key");
        const Result<bool> named = co_await is_named(account.did, *key);
        if (!named.has_value()) {
            log::warn("a change of a signing key waits for the DID document",
                      {{"did", account.did.text()}, {"reason", named.error().message}});
            continue;
        }
        if (*named) {
            const auto done = co_await finish(*pause, account, std::nullopt);
            if (done.has_value())
                log::info("finished a change of a signing key that was interrupted",
                          {{"did", account.did.text()}});
        } else if (pending.created_at.plus_s(limits::pending_change_s) <= now()) {
            const Result<void> done = co_await give_back(account.id, account.did);
            if (done.has_value())
                log::info("took back a change of a signing key that no DID document names",
                          {{"did", account.did.text()}});
        }
    }
}

}  // namespace roost::pds
