#include "atproto/crypto/keys.h"

#include <secp256k1.h>

#include <algorithm>
#include <variant>

#include "atproto/crypto/p256.h"
#include "atproto/data/cid.h"
#include "base/check.h"
#include "base/encoding.h"
#include "base/random.h"

namespace roost::atproto {

namespace {

constexpr std::string_view did_key_prefix = "did:key:";
// https://github.com/multiformats/multicodec: secp256k1-pub 0xe7 and p256-pub 0x1200, as varints.
constexpr std::array<std::uint8_t, 2> k256_codec = {0xe7, 0x01};
constexpr std::array<std::uint8_t, 2> p256_codec = {0x80, 0x24};

// One for the process, blinded against timing once, and only read afterwards.
const secp256k1_context* k256_context() {
    static const secp256k1_context* const context = [] {
        secp256k1_context* made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
        std::array<std::uint8_t, 32> seed{};
        fill_random(seed);
        check(secp256k1_context_randomize(made, seed.data()) == 1, "the K-256 context is blinded");
        wipe(seed.data(), seed.size());
        return made;
    }();
    return context;
}

PublicKey::Compressed compress(const secp256k1_pubkey& key) {
    PublicKey::Compressed compressed{};
    std::size_t size = compressed.size();
    secp256k1_ec_pubkey_serialize(k256_context(), compressed.data(), &size, &key,
                                  SECP256K1_EC_COMPRESSED);
    return compressed;
}

bool verify_k256(const secp256k1_pubkey& key, const Cid::Digest& hash, ByteView signature,
                 SPolicy policy) {
    secp256k1_ecdsa_signature parsed;
    if (secp256k1_ecdsa_signature_parse_compact(k256_context(), &parsed, signature.data()) != 1)
        return false;
    if (policy == SPolicy::any)
        secp256k1_ecdsa_signature_normalize(k256_context(), &parsed, &parsed);
    // Refuses a high s.
    return secp256k1_ecdsa_verify(k256_context(), &parsed, hash.data(), &key) == 1;
}

Signature sign_k256(const SecretBytes& raw, const Cid::Digest& hash) {
    secp256k1_ecdsa_signature parsed;
    check(secp256k1_ecdsa_sign(k256_context(), &parsed, hash.data(), raw.reveal().data(), nullptr,
                               nullptr) == 1,
          "a valid K-256 key signs");
    Signature signature{};
    secp256k1_ecdsa_signature_serialize_compact(k256_context(), signature.data(), &parsed);
    return signature;
}

}  // namespace

struct PublicKey::Parsed {
    Curve curve;
    Compressed compressed;
    std::variant<secp256k1_pubkey, p256::Key> key;
};

struct PrivateKey::Parsed {
    SecretBytes raw;
    p256::Key p256_key;  // null for K-256
};

std::string_view jwt_algorithm(Curve curve) {
    return curve == Curve::k256 ? "ES256K" : "ES256";
}

Result<PublicKey> PublicKey::parse_did_key(std::string_view text) {
    if (!text.starts_with(did_key_prefix)) return Error::invalid("a key is written as did:key:z…");
    return parse_multikey(text.substr(did_key_prefix.size()));
}

Result<PublicKey> PublicKey::parse_multikey(std::string_view text) {
    if (!text.starts_with('z'))
        return Error::invalid("a public key is written in base58, with a z");
    const std::optional<Bytes> bytes = base58_decode(text.substr(1));
    if (!bytes || bytes->size() != k256_codec.size() + compressed_size)
        return Error::invalid("a public key is the base58 of 35 bytes");
    const ByteView view(*bytes);
    const ByteView point = view.subspan(k256_codec.size());
    if (std::ranges::equal(view.first(2), k256_codec)) return from_point(Curve::k256, point);
    if (std::ranges::equal(view.first(2), p256_codec)) return from_point(Curve::p256, point);
    return Error::invalid("a public key is one of K-256 or P-256");
}

Result<PublicKey> PublicKey::from_point(Curve curve, ByteView point) {
    const Error refused = Error::invalid("the bytes are not a point of the curve");
    if (curve == Curve::p256) {
        p256::Key key = p256::key_from_point(point);
        if (!key) return refused;
        const Compressed compressed = p256::compressed_point(key);
        return PublicKey(std::make_shared<const Parsed>(Parsed{curve, compressed, std::move(key)}));
    }
    // The library also reads the hybrid form, which nobody may write.
    const bool is_compressed = point.size() == compressed_size;
    const bool is_full = point.size() == 65 && point[0] == 4;
    secp256k1_pubkey key;
    if ((!is_compressed && !is_full) ||
        secp256k1_ec_pubkey_parse(k256_context(), &key, point.data(), point.size()) != 1)
        return refused;
    return PublicKey(std::make_shared<const Parsed>(Parsed{curve, compress(key), key}));
}

Curve PublicKey::curve() const {
    return parsed_->curve;
}
const PublicKey::Compressed& PublicKey::compressed() const {
    return parsed_->compressed;
}

std::string PublicKey::multikey() const {
    Bytes bytes;
    append(bytes, parsed_->curve == Curve::k256 ? k256_codec : p256_codec);
    append(bytes, parsed_->compressed);
    return "z" + base58_encode(bytes);
}

std::string PublicKey::did_key() const {
    return std::string(did_key_prefix) + multikey();
}

bool PublicKey::verify(ByteView message, ByteView signature, SPolicy policy) const {
    if (signature.size() != std::tuple_size_v<Signature>) return false;
    const Cid::Digest hash = sha256(message);
    if (parsed_->curve == Curve::k256)
        return verify_k256(std::get<secp256k1_pubkey>(parsed_->key), hash, signature, policy);
    if (policy == SPolicy::low_only && !p256::is_low_s(signature)) return false;
    return p256::verify(std::get<p256::Key>(parsed_->key), hash, signature);
}

PrivateKey PrivateKey::generate(Curve curve) {
    // All but one of 2^32 numbers are in range.
    for (int attempt = 0; attempt < 16; ++attempt) {
        Result<PrivateKey> key = from_raw(curve, SecretBytes(random_bytes(raw_size)));
        if (key) return std::move(*key);
    }
    check(false, "random numbers are in the range of a private key");
    std::unreachable();
}

Result<PrivateKey> PrivateKey::from_raw(Curve curve, const SecretBytes& raw) {
    const Error refused = Error::invalid("a private key is 32 bytes, within the curve's order");
    if (curve == Curve::p256) {
        p256::Key key = p256::key_from_raw(raw);
        if (!key) return refused;
        PublicKey public_key = TRY(PublicKey::from_point(curve, p256::compressed_point(key)));
        return PrivateKey(std::make_shared<const Parsed>(Parsed{raw, std::move(key)}),
                          std::move(public_key));
    }
    secp256k1_pubkey key;
    if (raw.reveal().size() != raw_size ||
        secp256k1_ec_pubkey_create(k256_context(), &key, raw.reveal().data()) != 1)
        return refused;
    return PrivateKey(std::make_shared<const Parsed>(Parsed{raw, nullptr}),
                      PublicKey(std::make_shared<const PublicKey::Parsed>(
                          PublicKey::Parsed{curve, compress(key), key})));
}

SecretBytes PrivateKey::reveal_raw() const {
    return parsed_->raw;
}

Signature PrivateKey::sign(ByteView message) const {
    const Cid::Digest hash = sha256(message);
    if (curve() == Curve::k256) return sign_k256(parsed_->raw, hash);
    return p256::sign(parsed_->p256_key, hash);
}

}  // namespace roost::atproto
