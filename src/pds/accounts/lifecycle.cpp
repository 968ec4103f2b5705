#include "pds/accounts/lifecycle.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/email_tokens.h"
#include "pds/accounts/key_store.h"
#include "pds/accounts/sessions.h"
#include "pds/blobs/blob_store.h"
#include "pds/error_names.h"
#include "pds/limits.h"
#include "pds/mail/mail_queue.h"
#include "pds/repos/repo_store.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

// What an identity's document says, in the one form that both methods' answers are compared in.
struct Claims {
    std::optional<std::string> pds_endpoint;
    std::optional<std::string> signing_key;                 // did:key
    std::optional<std::vector<std::string>> rotation_keys;  // did:plc only
};

Claims claims_of(const atproto::plc::State& state) {
    Claims claims{.pds_endpoint = {}, .signing_key = {}, .rotation_keys = state.rotation_keys};
    for (const auto& [name, service] : state.services)
        if (name == "atproto_pds") claims.pds_endpoint = service.endpoint;
    for (const auto& [name, key] : state.verification_methods)
        if (name == "atproto") claims.signing_key = key;
    return claims;
}

Claims claims_of(const atproto::DidDocument& document) {
    Claims claims{.pds_endpoint = document.pds_endpoint(), .signing_key = {}, .rotation_keys = {}};
    if (const auto key = document.signing_key()) claims.signing_key = key->did_key();
    return claims;
}

Task<Result<Claims>> fetch_claims(PlcClient& plc, Resolver& resolver, atproto::Did did) {
    const Error not_found = refusal("Could not resolve DID", error_names::UnresolvableDid);
    if (did.method() == "plc") {
        const auto state = CO_TRY(co_await plc.state(did));
        if (!state) co_return not_found;
        co_return claims_of(*state);
    }
    const auto document = CO_TRY(co_await resolver.did_document(did));
    if (!document) co_return not_found;
    co_return claims_of(*document);
}

Error not_found() {
    return refusal("user not found", error_names::AccountNotFound);
}

Result<void> erase_account(db::Transaction& t, std::int64_t id, Timestamp time) {
    const std::optional<Account> current = account_store::find_by_id(t, id);
    if (!current) return not_found();
    const OwnedRepo repo = TRY(repo_store::of_account(t, *current));
    event_log::forget_replayed(t, repo_store::unwritten(t, repo.id));
    blob_store::erase_all(t, id, time);
    account_store::erase(t, id);
    key_store::forget_reserved(t, current->did);
    mail::MailQueue::forget(t, current->handle.text());
    event_log::append_account_deleted(t, current->did, time);
    return {};
}

Result<void> activate_account(db::Transaction& t, std::int64_t id, Timestamp time) {
    const std::optional<Account> current = account_store::find_by_id(t, id);
    if (!current || current->takedown_ref) return not_found();
    account_store::set_deactivated(t, id, std::nullopt, std::nullopt);
    const std::optional<repo_store::Head> head = repo_store::find_head(t, id);
    check(head.has_value(), "an account has a repository");
    event_log::append_account(t, current->did, AccountStatus::active, time);
    event_log::append_identity(t, current->did, current->handle, time);
    event_log::append_sync(t, current->did, head->rev, head->commit_cid, head->commit_block, time);
    return {};
}

Result<void> deactivate_account(db::Transaction& t, std::int64_t id,
                                std::optional<Timestamp> delete_after, Timestamp time) {
    const std::optional<Account> current = account_store::find_by_id(t, id);
    if (!current) return not_found();
    account_store::set_deactivated(t, id, current->deactivated_at.value_or(time), delete_after);
    const AccountStatus status =
        current->takedown_ref ? AccountStatus::takendown : AccountStatus::deactivated;
    event_log::append_account(t, current->did, status, time);
    return {};
}

}  // namespace

Task<Result<void>> Lifecycle::check_identity(Account account) {
    const Claims claims = CO_TRY(co_await fetch_claims(plc_, resolver_, account.did));
    if (claims.rotation_keys &&
        std::ranges::find(*claims.rotation_keys, options_.rotation_key.did_key()) ==
            claims.rotation_keys->end())
        co_return Error::invalid("Server rotation key not included in PLC DID data");
    if (claims.pds_endpoint != options_.public_url)
        co_return Error::invalid(
            "DID document atproto_pds service endpoint does not match PDS public url");
    const std::string own_key =
        CO_TRY(co_await db_.read([&](db::Transaction& t) -> Result<std::string> {
            return TRY(key_store::find(t, account.id, vault_))
            .public_key().did_key();
        }));
    if (claims.signing_key != own_key)
        co_return Error::invalid(
            "DID document verification method does not match expected signing key");
    co_return Result<void>();
}

Task<Result<void>> Lifecycle::activate(Account account) {
    CO_TRY(co_await check_identity(account));
    co_return co_await db_.write([id = account.id, time = now()](db::Transaction& t) {
        return activate_account(t, id, time);
    });
}

Task<Result<Audited>> Lifecycle::activate(Account account, AdminAct act) {
    CO_TRY(co_await check_identity(account));
    co_return co_await db_.write([id = account.id, act](db::Transaction& t) -> Result<Audited> {
        TRY(activate_account(t, id, act.time));
        return audit_log::append(t, act);
    });
}

Task<Result<void>> Lifecycle::deactivate(Account account, std::optional<Timestamp> delete_after) {
    co_return co_await db_.write([id = account.id, delete_after, time = now()](db::Transaction& t) {
        return deactivate_account(t, id, delete_after, time);
    });
}

Task<Result<Audited>> Lifecycle::deactivate(Account account, AdminAct act) {
    co_return co_await db_.write([id = account.id, act](db::Transaction& t) -> Result<Audited> {
        TRY(deactivate_account(t, id, std::nullopt, act.time));
        return audit_log::append(t, act);
    });
}

Task<Result<Audited>> Lifecycle::set_takedown(Account account, std::optional<std::string> ref,
                                              AdminAct act) {
    co_return co_await db_.write(
        [id = account.id, ref, act](db::Transaction& t) -> Result<Audited> {
            account_store::set_takedown(t, id, ref);
            if (ref) Sessions::close_all(t, id);
            const std::optional<Account> current = account_store::find_by_id(t, id);
            if (!current) return not_found();
            event_log::append_account(t, current->did, current->status(), act.time);
            return audit_log::append(t, act);
        });
}

Task<Result<Audited>> Lifecycle::erase(Account account, AdminAct act) {
    co_return co_await db_.write([id = account.id, act](db::Transaction& t) -> Result<Audited> {
        TRY(erase_account(t, id, act.time));
        return audit_log::append(t, act);
    });
}

Task<Result<void>> Lifecycle::erase_with_code(Account account, std::string code) {
    using email_tokens::Verdict;
    const Timestamp time = now();
    const Verdict verdict = CO_TRY(co_await db_.write(
        [id = account.id, code = std::move(code), time](db::Transaction& t) -> Result<Verdict> {
            const Verdict found =
                email_tokens::redeem(t, id, email_tokens::Purpose::delete_account, code, time);
            if (found == Verdict::valid) TRY(erase_account(t, id, time));
            return found;
        }));
    co_return email_tokens::to_result(verdict);
}

Task<Result<void>> Lifecycle::erase_due() {
    const Timestamp time = now();
    const std::vector<Account> due =
        CO_TRY(co_await db_.read([time](db::Transaction& t) -> Result<std::vector<Account>> {
            return account_store::due_for_deletion(t, time, limits::deletions_per_batch);
        }));
    for (const Account& account : due) {
        const bool is_erased =
            CO_TRY(co_await db_.write([id = account.id, time](db::Transaction& t) -> Result<bool> {
                // The owner may have come back meanwhile.
                const std::optional<Account> current = account_store::find_by_id(t, id);
                if (!current || !current->delete_after || *current->delete_after > time)
                    return false;
                TRY(erase_account(t, id, time));
                return true;
            }));
        if (is_erased)
            log::info("deleted an account at the time its owner had set",
                      {{"did", account.did.text()}});
    }
    co_return Result<void>();
}

Task<Result<Audited>> Lifecycle::announce(Account account, AdminAct act) {
    co_return co_await db_.write([account, act](db::Transaction& t) -> Result<Audited> {
        event_log::append_account(t, account.did, account.status(), act.time);
        return audit_log::append(t, act);
    });
}

}  // namespace roost::pds
