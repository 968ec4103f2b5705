// Bytes as text and back: hex, base32, base58, base64. Decoders are strict: no white space, no
// characters outside the alphabet, no padding where the encoding has none, and no stray bits in the
// last character, so that every value has exactly one spelling.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace roost {

std::string hex_encode(ByteView bytes);                  // lower case
std::optional<Bytes> hex_decode(std::string_view text);  // either case

std::string base32_encode(ByteView bytes);  // RFC 4648, lower case, no padding
void append_base32(std::string& out, ByteView bytes);
std::optional<Bytes> base32_decode(std::string_view text);  // the same

std::string base58_encode(ByteView bytes);  // the Bitcoin alphabet
// At most 128 characters: decoding takes quadratic time.
std::optional<Bytes> base58_decode(std::string_view text);

std::string base64_encode(ByteView bytes);  // with padding
std::string base64_encode_unpadded(ByteView bytes);
std::optional<Bytes> base64_decode(std::string_view text);  // with or without padding
std::string base64url_encode(ByteView bytes);               // no padding
std::optional<Bytes> base64url_decode(std::string_view text);

}  // namespace roost
