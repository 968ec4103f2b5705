// The bounds of the corridor, each with its reason.
#pragma once

#include <cstddef>

namespace roost::xrpc::limits {

// A JSON body, after decompression; what the reference server takes.
inline constexpr std::size_t json_body_bytes_max = 150 * 1024;
// Windows that are counted at once: an address or account each, some 100 bytes. Beyond, the old
// ones make room.
inline constexpr std::size_t rate_limit_keys_max = 200'000;
// The longest part of an identifier that a rate limit tells apart.
inline constexpr std::size_t rate_limit_key_bytes_max = 512;

}  // namespace roost::xrpc::limits
