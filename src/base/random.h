// Randomness fit for keys and tokens, from the operating system by way of libsodium. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace roost {

void fill_random(std::span<std::uint8_t> bytes);
Bytes random_bytes(std::size_t count);
std::uint32_t random_below(std::uint32_t bound);  // uniform in [0, bound)

}  // namespace roost
