// The bounds of the room, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::pds::limits {

// Service tokens for other servers: good for a minute, as the specification has it. One that was
// made for a query is used again for half of that, so that it arrives with time left; some 700
// bytes each. When a sixteenth is full it starts afresh.
inline constexpr std::int64_t service_token_s = 60;
inline constexpr std::int64_t service_token_reuse_s = 30;
inline constexpr std::size_t cached_service_tokens_max = 16'384;

}  // namespace roost::pds::limits
