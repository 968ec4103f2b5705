#include "pds/accounts/sign_up.h"

#include "atproto/data/json.h"
#include "atproto/plc/operation.h"
#include "atproto/repo/commit.h"
#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "pds/accounts/invites.h"
#include "pds/accounts/key_store.h"
#include "pds/accounts/password_policy.h"
#include "pds/accounts/pending_handles.h"
#include "pds/error_names.h"
#include "pds/limits.h"
#include "pds/mail/email_address.h"
#include "pds/repos/repo_store.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

namespace plc = atproto::plc;

Error handle_taken(const atproto::Handle& handle) {
    return refusal("Handle already taken: " + handle.text(), error_names::HandleNotAvailable);
}
Error email_taken(const std::string& email) {
    return Error::invalid("Email already taken: " + email);
}
Error overtaken() {
    return refusal("This sign-up was replaced by another", error_names::HandleNotAvailable);
}
// The directory may have the identity all the same; it claims a handle that is not its own then.
Error directory_is_away() {
    return {Fault::upstream_failed, "UpstreamFailure",
            "The PLC directory cannot be reached, so no account was created. The handle, the "
            "e-mail address and the invite code are free; please try again later."};
}
Error is_undecided() {
    return {Fault::upstream_failed, "UpstreamFailure",
            "The PLC directory cannot be reached, so it is not decided whether there is an "
            "account; please try to log in, or to sign up again, later."};
}

// What the tables can say against a sign-up. Runs once before the costly steps, to answer early,
// and once more in the transaction that takes the handle.
Result<void> check_free(db::Transaction& t, const atproto::Handle& handle,
                        const std::optional<std::string>& email,
                        const std::optional<std::string>& invite_code) {
    if (invite_code) TRY(invites::check_available(t, *invite_code));
    if (account_store::find_by_handle(t, handle) || pending_handles::holder(t, handle))
        return handle_taken(handle);
    if (email && account_store::find_by_email(t, *email)) return email_taken(*email);
    return {};
}

}  // namespace

struct SignUp::Checked {
    atproto::Handle handle;
    std::string email;
    std::string password_hash;
    std::optional<std::string> invite_code;
    std::optional<atproto::PublicKey> recovery_key;
};

class SignUp::InFlight {
  public:
    InFlight(SignUp& owner, atproto::Did did) : owner_(owner), did_(std::move(did)) {
        const std::lock_guard lock(owner_.mutex_);
        owner_.in_flight_.insert(did_);
    }
    ~InFlight() {
        const std::lock_guard lock(owner_.mutex_);
        owner_.in_flight_.erase(did_);
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

  private:
    SignUp& owner_;
    atproto::Did did_;
};

bool SignUp::is_in_flight(const atproto::Did& did) const {
    const std::lock_guard lock(mutex_);
    return in_flight_.contains(did);
}

Result<void> SignUp::take_place(db::Transaction& t, const atproto::Handle& handle,
                                const std::optional<std::string>& email) const {
    for (const atproto::Did& holder : account_store::pending_holders(t, handle, email)) {
        if (is_in_flight(holder)) {
            const auto other = account_store::find_pending(t, holder);
            check(other.has_value(), "who holds something is there");
            return other->handle == handle ? handle_taken(handle) : email_taken(*email);
        }
        account_store::erase_pending(t, holder);
    }
    return {};
}

Task<Result<SignUp::Checked>> SignUp::check_request(const SignUpRequest& request) {
    CO_TRY(check_new_password(request.password));
    if (options_.invites == InvitePolicy::required && !request.invite_code)
        co_return refusal("No invite code provided", error_names::InvalidInviteCode);
    if (!request.email) co_return Error::invalid("Email is required");
    if (!mail::is_email_address(*request.email))
        co_return Error::invalid(
            "This email address is not supported, please use a different email.");
    std::optional<atproto::PublicKey> recovery_key;
    if (request.recovery_key) {
        Result<atproto::PublicKey> key = atproto::PublicKey::parse_did_key(*request.recovery_key);
        if (!key.has_value())
            co_return Error::invalid("recoveryKey must be a did:key of a K-256 or P-256 key");
        recovery_key = *std::move(key);
    }
    atproto::Handle handle = CO_TRY(parts_.handles.normalize(request.handle));
    if (!request.did || parts_.handles.is_on_service_domain(handle)) {
        CO_TRY(parts_.handles.check_service_handle(handle));
    } else if (const FoundDid found = co_await parts_.resolver.handle(handle);
               !found.has_value() || *found != request.did) {
        co_return Error::invalid("External handle did not resolve to DID");
    }
    // A code is looked at only where codes are asked for, as the reference does.
    std::optional<std::string> invite_code =
        options_.invites == InvitePolicy::required ? request.invite_code : std::nullopt;
    std::string email = mail::normalize_email(*request.email);
    CO_TRY(co_await parts_.db.read([&](db::Transaction& t) -> Result<void> {
        return check_free(t, handle, email, invite_code);
    }));
    std::string hash = CO_TRY(co_await parts_.hashes.hash(request.password));
    co_return Checked{std::move(handle), std::move(email), std::move(hash), std::move(invite_code),
                      std::move(recovery_key)};
}

Task<Result<SignUp::Done>> SignUp::create(SignUpRequest request) {
    Checked checked = CO_TRY(co_await check_request(request));
    if (request.did) co_return co_await create_migrated(std::move(checked), *request.did);
    co_return co_await create_new(std::move(checked));
}

Result<SignUp::Done> SignUp::make_account(db::Transaction& t,
                                          const account_store::NewAccount& fields,
                                          const atproto::PrivateKey& key, Timestamp now) const {
    const std::int64_t id = account_store::insert(t, fields, now);
    key_store::insert(t, id, key, parts_.vault);
    const auto clock_id = static_cast<std::uint16_t>(random_below(1024));
    const atproto::NewRepo repo =
        atproto::create_empty_repo(fields.did, key, atproto::Tid::from(now, clock_id));
    // A deactivated account is announced when it is activated.
    if (!fields.is_deactivated) {
        event_log::append_identity(t, fields.did, fields.handle, now);
        event_log::append_account(t, fields.did, AccountStatus::active, now);
        event_log::append_first_commit(t, fields.did, repo, now);
        event_log::append_sync(t, fields.did, repo.rev, repo.commit, repo.blocks.front().bytes,
                               now);
    }
    repo_store::insert(t, id, repo);
    std::optional<Account> account = account_store::find_by_id(t, id);
    check(account.has_value(), "a new account is there");
    TokenPair tokens = parts_.sessions.open(t, *account, Scope::access, std::nullopt, now);
    return Done{*std::move(account), std::move(tokens)};
}

Task<Result<SignUp::Done>> SignUp::create_migrated(Checked checked, atproto::Did did) {
    const account_store::NewAccount fields{
        .did = did,
        .handle = checked.handle,
        .email = checked.email,
        .password_hash = checked.password_hash,
        .is_deactivated = true,
    };
    const atproto::PrivateKey fresh_key = atproto::PrivateKey::generate(atproto::Curve::k256);
    const Timestamp time = now();
    co_return co_await parts_.db.write([=, this](db::Transaction& t) -> Result<Done> {
        if (account_store::find_by_did(t, did))
            return Error::invalid("There is an account with this DID already: " + did.text());
        TRY(take_place(t, fields.handle, fields.email));
        TRY(check_free(t, fields.handle, fields.email, checked.invite_code));
        const std::optional<atproto::PrivateKey> reserved =
            TRY(key_store::take_reserved(t, did, parts_.vault));
        Done done = TRY(make_account(t, fields, reserved.value_or(fresh_key), time));
        if (checked.invite_code) invites::record_use(t, *checked.invite_code, did.text(), time);
        return done;
    });
}

Task<Result<SignUp::Done>> SignUp::create_new(Checked checked) {
    const atproto::PrivateKey key = atproto::PrivateKey::generate(atproto::Curve::k256);
    std::vector<atproto::PublicKey> rotation_keys;
    if (checked.recovery_key) rotation_keys.push_back(*checked.recovery_key);
    if (options_.operator_recovery_key) rotation_keys.push_back(*options_.operator_recovery_key);
    rotation_keys.push_back(options_.rotation_key.public_key());
    const plc::State state =
        plc::make_state(checked.handle, key.public_key(), options_.public_url, rotation_keys);
    CO_TRY(plc::check_submittable(state));
    const plc::Operation genesis = plc::Operation::sign(state, std::nullopt, options_.rotation_key);
    const account_store::PendingSignup signup{
        .did = genesis.make_did(),
        .handle = checked.handle,
        .email = checked.email,
        .password_hash = checked.password_hash,
        .invite_code = checked.invite_code,
        .did_key = key.public_key().did_key(),
        .sealed_key = parts_.vault.seal(key),
        .operation = atproto::json::write(genesis.value()),
        .created_at = now(),
    };
    const InFlight mark(*this, signup.did);
    CO_TRY(co_await parts_.db.write([this, signup](db::Transaction& t) -> Result<void> {
        TRY(take_place(t, signup.handle, signup.email));
        TRY(check_free(t, signup.handle, signup.email, signup.invite_code));
        account_store::insert_pending(t, signup);
        return {};
    }));
    const Result<bool> is_registered = co_await register_identity(signup);
    if (!is_registered.has_value() || !*is_registered) {
        const bool is_dropped = co_await drop(signup.did);
        if (!is_registered.has_value()) co_return is_registered.error();
        co_return is_dropped ? directory_is_away() : is_undecided();
    }
    std::optional<Done> done = CO_TRY(co_await finish(signup.did));
    if (!done) co_return overtaken();
    done->did_document = atproto::format_did_document(signup.did, state);
    co_return *std::move(done);
}

// True: the directory has the identity. False: it cannot be known. Error: it was refused.
Task<Result<bool>> SignUp::register_identity(const account_store::PendingSignup& signup) {
    // What was written must be readable before anything names the key.
    CO_TRY(co_await parts_.db.read([&](db::Transaction& t) -> Result<void> {
        const auto stored = account_store::find_pending(t, signup.did);
        if (!stored) return overtaken();
        const atproto::PrivateKey key = TRY(parts_.vault.open(stored->sealed_key, stored->did_key));
        check(key.public_key().did_key() == signup.did_key,
              "a stored key is the one that was made");
        return {};
    }));
    const PlcClient::Submission submission =
        co_await parts_.plc.submit(signup.did, signup.operation);
    switch (submission.outcome) {
        case PlcClient::Outcome::accepted:
            co_return true;
        case PlcClient::Outcome::refused:
            co_return Error::invalid("The PLC directory refused the identity: " +
                                     submission.message);
        case PlcClient::Outcome::unknown:
            break;
    }
    Result<std::optional<plc::State>> state = co_await parts_.plc.state(signup.did);
    co_return state.has_value() && state->has_value();
}

Task<Result<std::optional<SignUp::Done>>> SignUp::finish(atproto::Did did) {
    const Timestamp time = now();
    co_return co_await parts_.db.write([this, did,
                                        time](db::Transaction& t) -> Result<std::optional<Done>> {
        const auto signup = account_store::find_pending(t, did);
        if (!signup) return std::optional<Done>();
        const atproto::PrivateKey key = TRY(parts_.vault.open(signup->sealed_key, signup->did_key));
        account_store::erase_pending(t, did);
        // An account may have changed its address to this one meanwhile.
        if (!check_free(t, signup->handle, signup->email, std::nullopt).has_value())
            return std::optional<Done>();
        Done done = TRY(make_account(t,
                                     {.did = did,
                                      .handle = signup->handle,
                                      .email = signup->email,
                                      .password_hash = signup->password_hash},
                                     key, time));
        if (signup->invite_code) invites::record_use(t, *signup->invite_code, did.text(), time);
        return std::optional(std::move(done));
    });
}

Task<bool> SignUp::drop(atproto::Did did) {
    const Result<bool> dropped =
        co_await parts_.db.write([did](db::Transaction& t) -> Result<bool> {
            account_store::erase_pending(t, did);
            return !account_store::find_pending(t, did);
        });
    const bool is_gone = dropped.has_value() && *dropped;
    // It stays pending otherwise, and settle_pending() or the next request for the handle removes
    // it.
    if (!is_gone) log::warn("a failed sign-up stays pending for now", {{"did", did.text()}});
    co_return is_gone;
}

Task<void> SignUp::settle_pending() {
    const auto pending = co_await parts_.db.read(
        [](db::Transaction& t) -> Result<std::vector<account_store::PendingSignup>> {
            return account_store::all_pending(t, limits::pending_signups_batch);
        });
    if (!pending.has_value()) co_return;
    for (const account_store::PendingSignup& signup : *pending) {
        if (is_in_flight(signup.did)) continue;
        const InFlight mark(*this, signup.did);
        const Result<std::optional<plc::State>> state = co_await parts_.plc.state(signup.did);
        if (!state.has_value()) {
            log::warn("a pending sign-up waits for the PLC directory",
                      {{"did", signup.did.text()}});
            continue;
        }
        if (!state->has_value()) {
            co_await drop(signup.did);
            log::info("dropped a sign-up whose identity was never registered",
                      {{"did", signup.did.text()}});
            continue;
        }
        const auto done = co_await finish(signup.did);
        if (done.has_value() && done->has_value())
            log::info("finished a sign-up that was interrupted", {{"did", signup.did.text()}});
    }
}

}  // namespace roost::pds
