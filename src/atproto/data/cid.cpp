#define OPENSSL_SUPPRESS_DEPRECATED  // SHA256_Init and friends: half the cost of the EVP interface
#include "atproto/data/cid.h"

#include <openssl/sha.h>

#include <algorithm>

#include "base/encoding.h"

namespace roost::atproto {

namespace {

constexpr std::uint8_t cid_version = 1;
constexpr std::uint8_t sha256_code = 0x12;
constexpr std::uint8_t sha256_size = 0x20;

// "b" and 36 bytes of base32
constexpr std::size_t text_size = 59;

Error bad_cid(std::string_view why) {
    return Error::invalid("Invalid CID: " + std::string(why));
}

// An unsigned LEB128 number of at most 63 bits in its shortest form, cut off the front of the
// bytes.
std::optional<std::uint64_t> take_varint(ByteView& bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < bytes.size() && i < 9; ++i) {
        number |= static_cast<std::uint64_t>(bytes[i] & 0x7f) << (7 * i);
        if ((bytes[i] & 0x80) == 0) {
            if (bytes[i] == 0 && i > 0) return std::nullopt;
            bytes = bytes.subspan(i + 1);
            return number;
        }
    }
    return std::nullopt;
}

// Version 1, a codec, and a multihash whose length is that of the rest.
bool is_cid_v1(ByteView bytes) {
    if (take_varint(bytes) != 1) return false;
    if (!take_varint(bytes) || !take_varint(bytes)) return false;
    auto digest_size = take_varint(bytes);
    return digest_size && *digest_size == bytes.size();
}

}  // namespace

Cid Cid::of(Codec codec, ByteView content) {
    return {codec, sha256(content)};
}

Cid Cid::from_digest(Codec codec, const Digest& digest) {
    return {codec, digest};
}

Result<Cid> Cid::parse(std::string_view text) {
    if (text.size() != text_size || text[0] != 'b')
        return bad_cid("expected 59 characters of base32 that begin with \"b\"");
    auto bytes = base32_decode(text.substr(1));
    if (!bytes) return bad_cid("not base32");
    return from_binary(*bytes);
}

Result<Cid> Cid::from_binary(ByteView bytes) {
    if (bytes.size() != binary_size) return bad_cid("expected 36 bytes");
    if (bytes[0] != cid_version) return bad_cid("expected version 1");
    auto codec = static_cast<Codec>(bytes[1]);
    if (codec != Codec::raw && codec != Codec::dag_cbor)
        return bad_cid("expected codec raw or dag-cbor");
    if (bytes[2] != sha256_code || bytes[3] != sha256_size) return bad_cid("expected SHA-256");
    Digest digest;
    std::ranges::copy(bytes.subspan(4), digest.begin());
    return Cid(codec, digest);
}

bool Cid::is_cid_syntax(std::string_view text) {
    if (text.size() < 2) return false;
    if (text.size() == 46 && text.starts_with("Qm")) {  // version 0: a bare SHA-256 multihash
        auto bytes = base58_decode(text);
        return bytes && bytes->size() == 34;
    }
    std::optional<Bytes> bytes;
    if (text[0] == 'b') bytes = base32_decode(text.substr(1));
    if (text[0] == 'z') bytes = base58_decode(text.substr(1));
    return bytes && is_cid_v1(*bytes);
}

std::string Cid::text() const {
    std::string text;
    append_to(text);
    return text;
}

void Cid::append_to(std::string& out) const {
    if (out.capacity() - out.size() < text_size) out.reserve(out.size() + text_size);
    out += 'b';
    append_base32(out, binary());
}

std::array<std::uint8_t, Cid::binary_size> Cid::binary() const {
    std::array<std::uint8_t, binary_size> bytes{cid_version, static_cast<std::uint8_t>(codec_),
                                                sha256_code, sha256_size};
    std::ranges::copy(digest_, bytes.begin() + 4);
    return bytes;
}

Cid::Digest sha256(ByteView content) {
    Cid::Digest digest;
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, content.data(), content.size());
    SHA256_Final(digest.data(), &context);
    return digest;
}

}  // namespace roost::atproto
