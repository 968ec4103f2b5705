// The bounds of looking identities up and of changing them, each with its reason; those of DID
// documents and of the PLC directory are in pds/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::pds::limits {

// What a handle named is remembered for a while that nobody minds who has just changed a record in
// the DNS, whose own answers live longer. About 200 bytes each.
inline constexpr std::int64_t handle_stale_ms = 60'000;
inline constexpr std::int64_t handle_age_ms_max = 10 * 60'000;
inline constexpr std::size_t cached_handles_max = 10'000;
// Look-ups at a host that strangers name, in one window: one a second is nothing to it, and ten to
// all hosts of a domain, which may be one machine, or a hosting service's thousands. The names that
// are counted take some 100 bytes each.
inline constexpr int fetch_window_s = 60;
inline constexpr std::int64_t fetches_per_host_max = 60;
inline constexpr std::int64_t fetches_per_family_max = 600;
inline constexpr std::size_t fetch_names_max = 50'000;

// Changes of handles, and of signing keys, that one look at the table takes up again. One whose
// operation the directory does not know is given up after this: the operation may have been slow,
// but not slower than twice the time that a request to the directory has.
inline constexpr int pending_changes_batch = 100;
inline constexpr std::int64_t pending_change_s = 20;

}  // namespace roost::pds::limits
