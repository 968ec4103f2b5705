#include "pds/accounts/sessions.h"

#include "base/check.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/session_store.h"
#include "pds/error_names.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

// Looked at in one transaction: about a millisecond during which nobody else writes.
constexpr std::int64_t sweep_rows = 5'000;

std::string random_id() {
    return base64url_encode(random_bytes(16));
}

Error revoked() {
    return refusal("Token has been revoked", error_names::ExpiredToken);
}

// What a refresh did, inside its transaction. A reuse must commit (it ends the session), so it is a
// value and not an error.
struct Rotation {
    enum class Outcome { rotated, repeated, reused, taken_down };
    Outcome outcome;
    std::optional<Account> account;
    Scope scope = Scope::access;
    std::string token_id;
    Timestamp expires_at;
};

Result<Rotation> rotate(db::Transaction& t, const RefreshClaims& claims, std::string next_token,
                        Timestamp now) {
    std::optional<Account> account = account_store::find_by_did(t, claims.did);
    if (!account) return revoked();
    if (account->takedown_ref) return Rotation{.outcome = Rotation::Outcome::taken_down};
    const std::optional<session_store::Session> session = session_store::find(t, claims.session_id);
    if (!session || session->account_id != account->id || session->expires_at <= now)
        return revoked();
    Rotation rotation{.outcome = Rotation::Outcome::rotated,
                      .account = std::move(account),
                      .scope = session->scope};
    if (claims.token_id == session->token) {
        rotation.token_id = std::move(next_token);
        // Whole seconds: the token carries no finer ones, and its twin in the grace window must be
        // equal to the letter.
        rotation.expires_at = {(now.seconds() + limits::refresh_token_s) * 1'000'000};
        session_store::rotate(t, session->id, rotation.token_id, rotation.expires_at, now);
        return rotation;
    }
    if (claims.token_id == session->previous_token && session->rotated_at &&
        now <= session->rotated_at->plus_s(limits::refresh_grace_s)) {
        rotation.outcome = Rotation::Outcome::repeated;
        rotation.token_id = session->token;
        rotation.expires_at = session->expires_at;
        return rotation;
    }
    session_store::erase(t, session->id);
    return Rotation{.outcome = Rotation::Outcome::reused};
}

}  // namespace

TokenPair Sessions::open(db::Transaction& t, const Account& account, Scope scope,
                         const std::optional<std::string>& app_password, Timestamp now) const {
    const session_store::Session session{
        .id = random_id(),
        .account_id = account.id,
        .scope = scope,
        .app_password = app_password,
        .token = random_id(),
        .created_at = now,
        .expires_at = {(now.seconds() + limits::refresh_token_s) * 1'000'000},
    };
    session_store::insert(t, session);
    session_store::erase_beyond(t, account.id, limits::sessions_per_account_max);
    return {tokens_.access({account.did, session.id, scope}, now),
            tokens_.refresh({account.did, session.id, session.token}, session.expires_at)};
}

Task<Result<std::shared_ptr<const Authenticated>>> Sessions::authenticate(
    std::string_view access_jwt, Timestamp now) {
    if (auto known = cache_.find(access_jwt, now)) co_return known;
    AccessClaims claims = CO_TRY(tokens_.read_access(access_jwt, now));
    const std::uint64_t epoch = db_.row_versions().epoch();
    using Owned = session_store::Owned;
    std::optional<Owned> owned =
        CO_TRY(co_await db_.read([&](db::Transaction& t) -> Result<std::optional<Owned>> {
            return session_store::account_of(t, claims.session_id);
        }));
    if (!owned || owned->account.did != claims.did) co_return revoked();
    auto found = std::make_shared<const Authenticated>(std::move(owned->account), claims.scope,
                                                       std::move(claims.session_id));
    cache_.remember(access_jwt, claims.expires_s, owned->session_row, found, epoch);
    co_return found;
}

Task<Result<Refreshed>> Sessions::refresh(RefreshClaims claims, Timestamp now) const {
    Rotation rotation = CO_TRY(co_await db_.write(
        [claims, now, next = random_id()](db::Transaction& t) -> Result<Rotation> {
            return rotate(t, claims, next, now);
        }));
    switch (rotation.outcome) {
        case Rotation::Outcome::taken_down:
            co_return Error::unauthenticated("Account has been taken down",
                                             std::string(error_names::AccountTakedown.text()));
        case Rotation::Outcome::reused:
            log::warn("refresh token used again; its session has been ended",
                      {{"did", claims.did.text()}});
            co_return revoked();
        case Rotation::Outcome::rotated:
        case Rotation::Outcome::repeated:
            break;
    }
    check(rotation.account.has_value(), "a rotated session has an account");
    TokenPair tokens{
        tokens_.access({claims.did, claims.session_id, rotation.scope}, now),
        tokens_.refresh({claims.did, claims.session_id, rotation.token_id}, rotation.expires_at)};
    co_return Refreshed{*std::move(rotation.account), std::move(tokens)};
}

Task<Result<void>> Sessions::close(RefreshClaims claims) const {
    co_return co_await db_.write([claims](db::Transaction& t) -> Result<void> {
        session_store::erase(t, claims.session_id);
        return {};
    });
}

void Sessions::close_all(db::Transaction& t, std::int64_t account_id) {
    session_store::erase_of_account(t, account_id);
}

Task<Result<std::int64_t>> Sessions::sweep(Timestamp now) const {
    std::int64_t erased = 0;
    session_store::Sweep piece{};
    do {
        piece = CO_TRY(co_await db_.write(
            [after = piece.last_row, now](db::Transaction& t) -> Result<session_store::Sweep> {
                return session_store::erase_expired(t, after, sweep_rows, now);
            }));
        erased += piece.erased;
    } while (piece.last_row != 0);
    co_return erased;
}

}  // namespace roost::pds
