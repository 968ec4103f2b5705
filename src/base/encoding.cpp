#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

namespace roost {

namespace {

constexpr std::uint8_t not_in_alphabet = 0xff;
using DecodeTable = std::array<std::uint8_t, 256>;

constexpr DecodeTable table_of(std::string_view alphabet) {
    DecodeTable table{};
    table.fill(not_in_alphabet);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return table;
}

constexpr std::string_view hex_alphabet = "0123456789abcdef";
constexpr std::string_view base32_alphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view base58_alphabet =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view base64url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr DecodeTable hex_table = [] {
    DecodeTable table = table_of(hex_alphabet);
    for (int i = 10; i < 16; ++i)
        table[static_cast<std::size_t>('A' + i - 10)] = static_cast<std::uint8_t>(i);
    return table;
}();
constexpr DecodeTable base32_table = table_of(base32_alphabet);
constexpr DecodeTable base58_table = table_of(base58_alphabet);
constexpr DecodeTable base64_table = table_of(base64_alphabet);
constexpr DecodeTable base64url_table = table_of(base64url_alphabet);

constexpr std::size_t base58_text_max = 128;

// Cuts the bytes into groups of `bits`, the highest first; the last group is filled up with zeros.
template <unsigned bits>
void append_groups(std::string& out, ByteView bytes, std::string_view alphabet) {
    constexpr std::uint64_t mask = (1u << bits) - 1;
    // A block is as many bytes as make whole groups.
    constexpr std::size_t block_bytes = std::lcm(8u, bits) / 8;
    constexpr std::size_t block_groups = block_bytes * 8 / bits;
    const std::size_t start = out.size();
    out.resize(start + (bytes.size() * 8 + bits - 1) / bits);
    char* to = out.data() + start;
    for (; bytes.size() >= block_bytes; bytes = bytes.subspan(block_bytes)) {
        std::uint64_t block = 0;
        for (std::size_t i = 0; i < block_bytes; ++i)
            block = block << 8 | bytes[i];
        for (std::size_t left = block_groups; left > 0; --left)
            *to++ = alphabet[block >> (bits * (left - 1)) & mask];
    }
    std::uint64_t rest = 0;
    for (const std::uint8_t byte : bytes)
        rest = rest << 8 | byte;
    std::size_t rest_bits = bytes.size() * 8;
    for (; rest_bits >= bits; rest_bits -= bits)
        *to++ = alphabet[rest >> (rest_bits - bits) & mask];
    if (rest_bits > 0) *to++ = alphabet[rest << (bits - rest_bits) & mask];
}

template <unsigned bits>
std::string encode_groups(ByteView bytes, std::string_view alphabet) {
    std::string text;
    append_groups<bits>(text, bytes, alphabet);
    return text;
}

template <unsigned bits>
std::optional<Bytes> decode_groups(std::string_view text, const DecodeTable& table) {
    Bytes bytes(text.size() * bits / 8);
    std::uint8_t* out = bytes.data();
    std::uint32_t pending = 0;
    unsigned pending_bits = 0;
    for (char c : text) {
        std::uint8_t group = table[static_cast<unsigned char>(c)];
        if (group == not_in_alphabet) return std::nullopt;
        pending = (pending << bits | group) & 0xffff;
        pending_bits += bits;
        if (pending_bits >= 8) {
            pending_bits -= 8;
            *out++ = static_cast<std::uint8_t>(pending >> pending_bits);
        }
    }
    // A whole spare character, or bits in it that no byte uses: a second spelling of the same
    // bytes.
    if (pending_bits >= bits) return std::nullopt;
    if ((pending & ((1u << pending_bits) - 1)) != 0) return std::nullopt;
    return bytes;
}

}  // namespace

std::string hex_encode(ByteView bytes) {
    return encode_groups<4>(bytes, hex_alphabet);
}

std::optional<Bytes> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    return decode_groups<4>(text, hex_table);
}

std::string base32_encode(ByteView bytes) {
    return encode_groups<5>(bytes, base32_alphabet);
}

void append_base32(std::string& out, ByteView bytes) {
    append_groups<5>(out, bytes, base32_alphabet);
}

std::optional<Bytes> base32_decode(std::string_view text) {
    return decode_groups<5>(text, base32_table);
}

std::string base58_encode(ByteView bytes) {
    std::size_t zeros = 0;
    while (zeros < bytes.size() && bytes[zeros] == 0)
        ++zeros;
    std::string digits;  // the number in base 58, the lowest digit first
    for (std::uint8_t byte : bytes.subspan(zeros)) {
        unsigned carry = byte;
        for (char& digit : digits) {
            carry += static_cast<unsigned>(digit) << 8;
            digit = static_cast<char>(carry % 58);
            carry /= 58;
        }
        for (; carry > 0; carry /= 58)
            digits.push_back(static_cast<char>(carry % 58));
    }
    std::string text(zeros, base58_alphabet[0]);
    for (std::size_t i = digits.size(); i > 0; --i)
        text.push_back(base58_alphabet[static_cast<std::size_t>(digits[i - 1])]);
    return text;
}

std::optional<Bytes> base58_decode(std::string_view text) {
    if (text.size() > base58_text_max) return std::nullopt;
    std::size_t zeros = 0;
    while (zeros < text.size() && text[zeros] == base58_alphabet[0])
        ++zeros;
    Bytes bytes;  // the number in base 256, the lowest digit first
    for (char c : text.substr(zeros)) {
        unsigned carry = base58_table[static_cast<unsigned char>(c)];
        if (carry == not_in_alphabet) return std::nullopt;
        for (std::uint8_t& byte : bytes) {
            carry += byte * 58u;
            byte = static_cast<std::uint8_t>(carry);
            carry >>= 8;
        }
        if (carry > 0) bytes.push_back(static_cast<std::uint8_t>(carry));
    }
    bytes.insert(bytes.end(), zeros, 0);
    std::ranges::reverse(bytes);
    return bytes;
}

std::string base64_encode(ByteView bytes) {
    std::string text = base64_encode_unpadded(bytes);
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

std::string base64_encode_unpadded(ByteView bytes) {
    return encode_groups<6>(bytes, base64_alphabet);
}

std::optional<Bytes> base64_decode(std::string_view text) {
    if (text.ends_with('=')) {
        if (text.size() % 4 != 0) return std::nullopt;
        text.remove_suffix(text.ends_with("==") ? 2 : 1);
    }
    return decode_groups<6>(text, base64_table);
}

std::string base64url_encode(ByteView bytes) {
    return encode_groups<6>(bytes, base64url_alphabet);
}

std::optional<Bytes> base64url_decode(std::string_view text) {
    return decode_groups<6>(text, base64url_table);
}

}  // namespace roost
