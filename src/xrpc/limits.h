// The bounds of the corridor, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::xrpc::limits {

// A JSON body, after decompression; what the reference server takes, and takes of records.
inline constexpr std::size_t json_body_bytes_max = 150 * 1024;
inline constexpr std::size_t record_body_bytes_max = 1'000'000;
// The room that an answer of JSON has to begin with: most need no more.
inline constexpr std::size_t usual_answer_bytes = 512;
// Windows that are counted at once: an address or account each, some 200 bytes. Beyond, those that
// are over make room, then those that end next.
inline constexpr std::size_t rate_limit_keys_max = 200'000;
// The longest part of an identifier that a rate limit tells apart, and of its own name, which is
// an NSID and a number.
inline constexpr std::size_t rate_limit_key_bytes_max = 512;
inline constexpr std::size_t rate_limit_name_bytes_max = 336;

// Service tokens that are remembered as used. They are few here (migrations), and live an hour at
// most.
inline constexpr std::size_t seen_service_tokens_max = 100'000;
// Wrong admin passwords of one network before it has to wait: a person mistypes, a program guesses.
inline constexpr std::int64_t admin_failures_max = 20;
inline constexpr std::int64_t admin_failures_window_s = 5 * 60;

// How often one issuer's document is asked for anew because a service token is not proven by the
// one that is remembered: keys change rarely, forged tokens cost nothing.
inline constexpr std::int64_t fresh_documents_max = 10;
inline constexpr std::int64_t fresh_documents_window_s = 60;

// Calls that wait for another server, of one account (all who are not logged in count as one) and
// of everybody: each costs a connection and up to 50 KiB. A client asks for some dozens at once.
inline constexpr std::size_t forwarded_per_account_max = 128;
inline constexpr std::size_t forwarded_max = 2'048;
inline constexpr int forwarded_busy_retry_s = 5;
// An answer up to this size leaves together with its head.
inline constexpr std::uint64_t small_answer_bytes_max = 16 * 1024;
// Another server's refusal: a name and a sentence.
inline constexpr std::size_t refusal_bytes_max = 16 * 1024;

}  // namespace roost::xrpc::limits
