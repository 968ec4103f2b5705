// The numbers of the CBOR wire format that the data model uses (RFC 8949, section 3). Private to
// cbor_encode.cpp and cbor_reader.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::atproto::cbor {

inline constexpr std::uint8_t major_unsigned = 0;
inline constexpr std::uint8_t major_negative = 1;
inline constexpr std::uint8_t major_bytes = 2;
inline constexpr std::uint8_t major_text = 3;
inline constexpr std::uint8_t major_array = 4;
inline constexpr std::uint8_t major_map = 5;
inline constexpr std::uint8_t major_tag = 6;
inline constexpr std::uint8_t major_simple = 7;

inline constexpr std::uint8_t simple_false = 20;
inline constexpr std::uint8_t simple_true = 21;
inline constexpr std::uint8_t simple_null = 22;

// A link is tag 42 around a byte string: a zero (the identity multibase), then the binary CID.
inline constexpr std::uint64_t cid_tag = 42;
inline constexpr std::uint8_t cid_prefix = 0;
inline constexpr std::size_t cid_prefix_size = 1;

}  // namespace roost::atproto::cbor
