// The bounds of the mail room, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::pds::mail {

// RFC 5321 section 4.5.3.1: a path has 256 octets with its angle brackets, a local part 64.
inline constexpr std::size_t address_bytes_max = 254;
inline constexpr std::size_t local_part_bytes_max = 64;
inline constexpr std::size_t domain_label_bytes_max = 63;  // RFC 1035

// The tokens that letters carry are accepted this long.
inline constexpr std::int64_t token_minutes = 15;

// A broken mail server is asked again soon, then ever less often. After a day nobody waits for the
// letter any more.
inline constexpr std::int64_t retry_first_ms = 30'000;
inline constexpr std::int64_t retry_longest_ms = 3'600'000;
inline constexpr std::int64_t give_up_after_ms = 24 * 3'600'000;

// With no letter in sight the worker still looks now and then: the clock can be set.
inline constexpr std::int64_t idle_look_ms = 60'000;
// After a failure of the database: long enough not to fill the log.
inline constexpr std::int64_t failure_pause_ms = 5'000;

// A mail server that needs longer is broken or far too busy; the letters behind this one wait.
inline constexpr long connect_timeout_ms = 10'000;
inline constexpr long send_timeout_ms = 30'000;

// More letters than this mean that nothing gets out: promising another would be a lie.
inline constexpr std::int64_t waiting_letters_max = 10'000;

// The dev outbox is for looking at, not an archive.
inline constexpr std::int64_t outbox_letters_max = 100;

// A template of an operator: far above any letter, far below trouble.
inline constexpr std::size_t template_bytes_max = 65'536;
// Partials that one letter may pull in: a partial that includes itself ends here.
inline constexpr int partials_max = 32;

}  // namespace roost::pds::mail
