// The bounds of this room, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::pds::limits {

// Whoever writes records waits that long for all their lexicons, with what these refer to: two
// seconds, as timers may be late.
inline constexpr std::int64_t lexicon_wait_ms_max = 1'900;
// The look-up goes on for so long when nobody waits any more: the next who asks finds it.
inline constexpr std::int64_t lexicon_look_up_ms_max = 10'000;
inline constexpr std::size_t lexicon_look_ups_max = 64;

// Lexicons change rarely, and what a name resolves to is not to be kept for long.
inline constexpr std::int64_t lexicon_stale_ms = 60 * 60 * 1'000;
inline constexpr std::int64_t lexicon_max_ms = 24 * 60 * 60 * 1'000;
// That a lexicon cannot be had; its author may just be publishing it.
inline constexpr std::int64_t lexicon_retry_ms = 3 * 60 * 1'000;

// Published documents take 2 KiB, the largest 40. In memory a hostile one takes some 20 times its
// size, so all that are kept take at most some 40 MiB, and usually 5.
inline constexpr std::size_t lexicon_document_bytes_max = 64 * 1024;
inline constexpr std::size_t cached_lexicon_bytes_max = 2 * 1024 * 1024;
// A lexicon with all that it refers to.
inline constexpr std::size_t lexicon_closure_bytes_max = 256 * 1024;
// Also of those that cannot be had: these are kept with the reason.
inline constexpr std::size_t cached_lexicons_max = 4'096;
inline constexpr std::size_t lexicon_reason_bytes_max = 500;
// The document, a commit, and a path of nodes: each of a few KiB, rarely more than ten.
inline constexpr std::size_t lexicon_proof_bytes_max = 256 * 1024;
inline constexpr std::uint64_t lexicon_proof_blocks_max = 100;

}  // namespace roost::pds::limits
