#include "pds/accounts/email_tokens.h"

#include <algorithm>
#include <cctype>

#include "atproto/data/cid.h"
#include "base/encoding.h"
#include "base/random.h"
#include "pds/error_names.h"
#include "pds/limits.h"

namespace roost::pds::email_tokens {

namespace {

std::string_view purpose_text(Purpose purpose) {
    switch (purpose) {
        case Purpose::confirm_email:
            return "confirm_email";
        case Purpose::update_email:
            return "update_email";
        case Purpose::reset_password:
            return "reset_password";
        case Purpose::delete_account:
            return "delete_account";
        case Purpose::sign_in:
            return "sign_in";
        case Purpose::plc_operation:
            return "plc_operation";
    }
    return {};
}

std::string upper_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

// The hash of the code as it was mailed, whatever case it was typed in.
Bytes hash_of(Purpose purpose, std::string_view code) {
    const std::string labelled =
        std::string(purpose_text(purpose)) + ":" + upper_case(std::string(code));
    const atproto::Cid::Digest digest = atproto::sha256(as_bytes(labelled));
    return {digest.begin(), digest.end()};
}

// Each letter takes limits::letter_interval_s of a time that may run ahead of the clock by several.
// It is kept in a row of its own, as a code goes when it is used or was guessed at.
Result<void> take_letter(db::Transaction& t, std::int64_t account_id, Purpose purpose,
                         Timestamp now) {
    Timestamp paid_until = now;
    {
        db::Rows row =
            t.select("SELECT paid_until FROM letter_limit WHERE account_id = $1 AND purpose = $2",
                     account_id, purpose_text(purpose));
        if (row.next()) paid_until = std::max(now, row.time(0));
    }
    paid_until = paid_until.plus_s(limits::letter_interval_s);
    const Timestamp latest = now.plus_s(limits::letters_at_once_max * limits::letter_interval_s);
    if (paid_until > latest)
        return Error{Fault::rate_limited, "RateLimitExceeded",
                     "Too many letters were sent for this; use the code in the latest one, or ask "
                     "again later",
                     static_cast<int>((paid_until.us - latest.us) / 1'000'000) + 1};
    t.execute(
        "INSERT INTO letter_limit (account_id, purpose, paid_until) VALUES ($1, $2, $3) "
        "ON CONFLICT (account_id, purpose) DO UPDATE SET paid_until = excluded.paid_until",
        account_id, purpose_text(purpose), paid_until);
    return {};
}

bool is_expired(Timestamp requested_at, Timestamp now) {
    return now > requested_at.plus_s(limits::email_token_s);
}

}  // namespace

Result<SecretText> create(db::Transaction& t, std::int64_t account_id, Purpose purpose,
                          Timestamp now) {
    TRY(take_letter(t, account_id, purpose, now));
    const std::string random = upper_case(base32_encode(random_bytes(7))).substr(0, 10);
    std::string code = random.substr(0, 5) + "-" + random.substr(5);
    t.execute(
        "INSERT INTO email_token (account_id, purpose, token_hash, requested_at) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, purpose) DO UPDATE SET "
        "token_hash = excluded.token_hash, requested_at = excluded.requested_at, wrong_tries = 0",
        account_id, purpose_text(purpose), hash_of(purpose, code), now);
    return SecretText(std::move(code));
}

Verdict redeem(db::Transaction& t, std::int64_t account_id, Purpose purpose,
               std::string_view presented, Timestamp now) {
    bool is_right = false;
    Timestamp requested_at;
    std::int64_t wrong_tries = 0;
    {
        db::Rows row = t.select(
            "SELECT token_hash, requested_at, wrong_tries FROM email_token "
            "WHERE account_id = $1 AND purpose = $2",
            account_id, purpose_text(purpose));
        if (!row.next()) return Verdict::invalid;
        is_right = equal_in_constant_time(row.bytes(0), hash_of(purpose, presented));
        requested_at = row.time(1);
        wrong_tries = row.integer(2);
    }
    if (!is_right) {
        if (wrong_tries + 1 >= limits::email_token_wrong_tries_max)
            forget(t, account_id, purpose);
        else
            t.execute(
                "UPDATE email_token SET wrong_tries = wrong_tries + 1 "
                "WHERE account_id = $1 AND purpose = $2",
                account_id, purpose_text(purpose));
        return Verdict::invalid;
    }
    if (is_expired(requested_at, now)) return Verdict::expired;
    forget(t, account_id, purpose);
    return Verdict::valid;
}

Owner find_owner(db::Transaction& t, Purpose purpose, std::string_view presented, Timestamp now) {
    db::Rows row = t.select(
        "SELECT account_id, requested_at FROM email_token WHERE token_hash = $1 AND purpose = $2",
        hash_of(purpose, presented), purpose_text(purpose));
    if (!row.next()) return {Verdict::invalid};
    const Verdict verdict = is_expired(row.time(1), now) ? Verdict::expired : Verdict::valid;
    return {verdict, row.integer(0)};
}

void forget(db::Transaction& t, std::int64_t account_id, Purpose purpose) {
    t.execute("DELETE FROM email_token WHERE account_id = $1 AND purpose = $2", account_id,
              purpose_text(purpose));
}

void forget_all(db::Transaction& t, std::int64_t account_id) {
    t.execute("DELETE FROM email_token WHERE account_id = $1", account_id);
}

Result<void> to_result(Verdict verdict) {
    switch (verdict) {
        case Verdict::valid:
            return {};
        case Verdict::invalid:
            return refusal("Token is invalid", error_names::InvalidToken);
        case Verdict::expired:
            return refusal("Token is expired", error_names::ExpiredToken);
    }
    return {};
}

}  // namespace roost::pds::email_tokens
