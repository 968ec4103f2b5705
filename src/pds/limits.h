// The bounds of the business rooms, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::pds::limits {

// A password as the protocol's clients send it. The upper bound keeps hashing input small; old
// passwords of up to 512 bytes, as the reference allowed once, still log in.
inline constexpr std::size_t password_bytes_min = 8;
inline constexpr std::size_t new_password_bytes_max = 256;
inline constexpr std::size_t old_password_bytes_max = 512;

// Password hashing: one hash takes 20 to 35 ms of a core and 16 to 19 MiB. Whoever would have to
// wait longer than this is told to come back.
inline constexpr std::int64_t hash_wait_ms_max = 2'000;
inline constexpr std::size_t hash_queue_max = 64;

// Guessing at one account from many addresses: so many failures in an hour cost nothing, then each
// attempt waits, longer with every failure. Seconds are a nuisance to a person and the end of a
// guessing run.
inline constexpr std::int64_t log_in_failures_free = 20;
inline constexpr std::int64_t log_in_failures_kept_s = 60 * 60;
inline constexpr std::int64_t log_in_delay_step_ms = 250;
inline constexpr std::int64_t log_in_delay_ms_max = 5'000;
inline constexpr std::size_t known_addresses_max = 8;
inline constexpr std::size_t guarded_identifiers_max = 50'000;

// Sessions. The lifetimes are those that clients of the reference server expect.
inline constexpr std::int64_t access_token_s = 2 * 60 * 60;
inline constexpr std::int64_t refresh_token_s = 90LL * 24 * 60 * 60;
// Within this time after a rotation the old refresh token still gets the same successor, for
// clients whose answer was lost or that refresh twice at once.
inline constexpr std::int64_t refresh_grace_s = 60;
// Enough for every device of a person; the oldest session goes when one more is opened.
inline constexpr int sessions_per_account_max = 200;

// Access tokens that are remembered as good, about 1 KiB each. When a sixteenth is full it starts
// afresh.
inline constexpr std::size_t cached_sessions_max = 16'384;

// Tokens sent by mail: 50 random bits, good for a quarter of an hour and five wrong tries.
inline constexpr std::int64_t email_token_s = 15 * 60;
inline constexpr int email_token_wrong_tries_max = 5;

inline constexpr int app_passwords_per_account_max = 100;
inline constexpr std::size_t app_password_name_bytes_max = 256;

// One call of createInviteCodes; an administrator can call again.
inline constexpr std::int64_t invite_codes_per_call_max = 1'000;
inline constexpr std::int64_t invite_uses_max = 1'000'000;
// Codes that a user has earned and not yet used.
inline constexpr std::int64_t earned_invites_open_max = 5;

// Reserved signing keys that wait for a sign-up: they are free to ask for, so they are bounded and
// the oldest make room.
inline constexpr int reserved_keys_max = 10'000;

// Sign-ups that one look at the table takes up again.
inline constexpr int pending_signups_batch = 100;

}  // namespace roost::pds::limits
