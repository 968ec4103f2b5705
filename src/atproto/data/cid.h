// Content identifiers: the hash of a block, with how to read it.
//
// Only the form that the protocol uses: CIDv1, SHA-256, codec dag-cbor (blocks) or raw (blobs), so
// a Cid is 33 bytes that copy. Text is base32 with the "b" prefix.
// https://atproto.com/specs/data-model#link-and-cid-formats
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto {

enum class Codec : std::uint8_t { raw = 0x55, dag_cbor = 0x71 };

class Cid {
  public:
    static constexpr std::size_t binary_size = 36;  // version, codec, hash kind, length, digest
    using Digest = std::array<std::uint8_t, 32>;

    static Cid of(Codec codec, ByteView content);  // hashes the content
    static Cid from_digest(Codec codec, const Digest& digest);
    static Result<Cid> parse(std::string_view text);
    static Result<Cid> from_binary(ByteView bytes);  // exactly binary_size bytes
    // Accepts any syntactically right CID of any version, as the lexicon's string format "cid"
    // does.
    static bool is_cid_syntax(std::string_view text);

    Codec codec() const { return codec_; }
    const Digest& digest() const { return digest_; }
    std::string text() const;
    void append_to(std::string& out) const;  // the text
    std::array<std::uint8_t, binary_size> binary() const;

    friend auto operator<=>(const Cid&, const Cid&) = default;

  private:
    Cid(Codec codec, const Digest& digest) : codec_(codec), digest_(digest) {}

    Codec codec_;
    Digest digest_;
};

// SHA-256 of the concatenation; the fast path of this house (see docs/decisions).
Cid::Digest sha256(ByteView content);

}  // namespace roost::atproto

template <>
struct std::hash<roost::atproto::Cid> {
    std::size_t operator()(const roost::atproto::Cid& cid) const noexcept {
        std::size_t h = 0;
        for (int i = 0; i < 8; ++i)
            h = h << 8 | cid.digest()[static_cast<std::size_t>(i)];
        return h;
    }
};
