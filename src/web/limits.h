// Bounds of what web/ keeps.
#pragma once

#include <cstddef>

namespace roost::web::limits {

// Threads that count at once without sharing cache lines; each shard costs about 400 bytes a
// method.
inline constexpr std::size_t metric_shards = 8;

// Values of the label "method". All lexicons of the protocol have fewer than 400 methods.
inline constexpr std::size_t metric_methods_max = 1'024;

}  // namespace roost::web::limits
