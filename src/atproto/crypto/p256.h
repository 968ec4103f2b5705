// The P-256 arithmetic behind crypto/keys.h: points, signatures, and the low form of s. Internal.
// https://atproto.com/specs/cryptography
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/secret.h"

namespace roost::atproto::p256 {

// OpenSSL's parsed key, cached because building one costs as much as a signature.
struct KeyDeleter {
    void operator()(void* key) const;
};
using Key = std::unique_ptr<void, KeyDeleter>;

// Null if the bytes are not a point of the curve in SEC 1 form.
Key key_from_point(ByteView point);
// Null unless the number is in range.
Key key_from_raw(const SecretBytes& raw);
std::array<std::uint8_t, 33> compressed_point(const Key& key);

std::array<std::uint8_t, 64> sign(const Key& key, ByteView hash);  // low s
bool is_low_s(ByteView signature);
bool verify(const Key& key, ByteView hash, ByteView signature);  // either s

}  // namespace roost::atproto::p256
