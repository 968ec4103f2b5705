// How long a log line may get. Values come from strangers; a line stays something that collectors
// take whole (many cut at 16 KiB) and that a person can read.
#pragma once

#include <cstddef>

namespace roost::log::limits {

inline constexpr std::size_t log_message_bytes_max = 1'024;
inline constexpr std::size_t log_value_bytes_max = 2'048;  // a DID of maximal length fits
inline constexpr std::size_t log_name_bytes_max = 64;      // names are ours: literals

}  // namespace roost::log::limits
