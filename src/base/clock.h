// The time of day. Always read through libc's clock_gettime, so that a faked clock reaches all of
// it.
//
// Pure functions and stores take a Timestamp as an argument; only the outer layers call now().
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roost {

// Microseconds since 1970-01-01T00:00:00Z.
struct Timestamp {
    std::int64_t us = 0;

    std::int64_t seconds() const { return us / 1'000'000; }
    Timestamp plus_s(std::int64_t s) const { return {us + s * 1'000'000}; }
    Timestamp plus_ms(std::int64_t ms) const { return {us + ms * 1'000}; }
    friend auto operator<=>(Timestamp, Timestamp) = default;
};

Timestamp now();
// For measuring durations; never goes back, has no relation to the time of day.
std::int64_t monotonic_us();

// "2026-11-22T18:50:56.123Z", the form that the protocol prefers.
std::string to_iso8601(Timestamp time);

}  // namespace roost
