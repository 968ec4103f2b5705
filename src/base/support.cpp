#include <sodium.h>
#include <time.h>

#include <array>
#include <cstdio>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"

namespace roost {

namespace {
void ensure_sodium() {
    static const bool ready = sodium_init() >= 0;
    check(ready, "libsodium starts");
}
}  // namespace

void wipe(void* memory, std::size_t size) {
    if (size > 0) sodium_memzero(memory, size);
}

bool equal_in_constant_time(ByteView a, ByteView b) {
    if (a.size() != b.size()) return false;
    return a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void fill_random(std::span<std::uint8_t> bytes) {
    ensure_sodium();
    if (!bytes.empty()) randombytes_buf(bytes.data(), bytes.size());
}

Bytes random_bytes(std::size_t count) {
    Bytes bytes(count);
    fill_random(bytes);
    return bytes;
}

std::uint32_t random_below(std::uint32_t bound) {
    ensure_sodium();
    return randombytes_uniform(bound);
}

Timestamp now() {
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return {time.tv_sec * 1'000'000 + time.tv_nsec / 1'000};
}

std::int64_t monotonic_us() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000 + time.tv_nsec / 1'000;
}

std::string to_iso8601(Timestamp time) {
    std::int64_t seconds = time.us / 1'000'000;
    std::int64_t rest_us = time.us % 1'000'000;
    if (rest_us < 0) {
        rest_us += 1'000'000;
        seconds -= 1;
    }
    const time_t unix_s = seconds;
    tm parts{};
    gmtime_r(&unix_s, &parts);
    std::array<char, 64> text{};
    const int length =
        std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                      parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                      parts.tm_min, parts.tm_sec, static_cast<int>(rest_us / 1'000));
    return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace roost
