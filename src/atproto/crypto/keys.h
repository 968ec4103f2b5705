// Key pairs of the two curves of the protocol, and their signatures.
//
//     PrivateKey key = PrivateKey::generate(Curve::k256);
//     Signature signature = key.sign(message);
//     bool genuine = key.public_key().verify(message, signature);
//
// A message is hashed with SHA-256, and the hash signed by ECDSA. A signature is r and s, 32 bytes
// each, big endian; never DER. Signing always gives the low of the two possible s.
//
// Keys are immutable values: copies share one parsed key, and any thread may use them. A private
// key's memory is overwritten when its last copy ends.
// https://atproto.com/specs/cryptography
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace roost::atproto {

enum class Curve { k256, p256 };

// Which s a verifier takes. The protocol's own signatures must be low, so that nobody can make a
// second valid signature out of one; tokens of other systems may have either.
enum class SPolicy { low_only, any };

using Signature = std::array<std::uint8_t, 64>;

// The name of the curve's algorithm in a token's header: "ES256K", "ES256".
std::string_view jwt_algorithm(Curve curve);

class PublicKey {
  public:
    static constexpr std::size_t compressed_size = 33;
    using Compressed = std::array<std::uint8_t, compressed_size>;

    // "did:key:zQ3sh…": the multikey form behind "did:key:".
    static Result<PublicKey> parse_did_key(std::string_view text);
    // "zQ3sh…": base58 of the curve's multicodec and the compressed point.
    static Result<PublicKey> parse_multikey(std::string_view text);
    // A point as SEC 1 writes it: compressed (33 bytes) or not (65 bytes). It must be on the curve.
    static Result<PublicKey> from_point(Curve curve, ByteView point);

    Curve curve() const;
    const Compressed& compressed() const;
    std::string multikey() const;
    std::string did_key() const;

    // False for anything but a genuine signature of 64 bytes; never an error.
    bool verify(ByteView message, ByteView signature, SPolicy policy = SPolicy::low_only) const;

    friend bool operator==(const PublicKey& a, const PublicKey& b) {
        return a.curve() == b.curve() && a.compressed() == b.compressed();
    }

  private:
    friend class PrivateKey;
    struct Parsed;
    explicit PublicKey(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}

    std::shared_ptr<const Parsed> parsed_;
};

class PrivateKey {
  public:
    static constexpr std::size_t raw_size = 32;

    static PrivateKey generate(Curve curve);
    // Exactly raw_size bytes, a number from 1 to below the order of the curve.
    static Result<PrivateKey> from_raw(Curve curve, const SecretBytes& raw);

    Curve curve() const { return public_key_.curve(); }
    const PublicKey& public_key() const { return public_key_; }
    // The one way out: for storing the key.
    SecretBytes reveal_raw() const;

    Signature sign(ByteView message) const;

  private:
    struct Parsed;
    PrivateKey(std::shared_ptr<const Parsed> parsed, PublicKey public_key)
        : parsed_(std::move(parsed)), public_key_(std::move(public_key)) {}

    std::shared_ptr<const Parsed> parsed_;
    PublicKey public_key_;
};

}  // namespace roost::atproto
