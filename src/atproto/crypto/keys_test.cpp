#include "atproto/crypto/keys.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "atproto/data/json.h"
#include "base/encoding.h"
#include "base/random.h"

namespace roost::atproto {
namespace {

constexpr std::array curves = {Curve::k256, Curve::p256};

SecretBytes raw_key(std::uint8_t byte) {
    return SecretBytes(Bytes(32, byte));
}

PrivateKey key_of(Curve curve, std::uint8_t byte) {
    return *PrivateKey::from_raw(curve, raw_key(byte));
}

// The fixtures of one interop file, or an empty array where the files are not there.
Array read_fixtures(const std::string& name) {
    const std::filesystem::path path =
        std::filesystem::path(ROOST_SHARED_DIR) / "interop" / "crypto" / name;
    std::ifstream file(path);
    if (!file) return {};
    std::stringstream text;
    text << file.rdbuf();
    const Result<Value> value = json::parse(text.str());
    EXPECT_TRUE(value && value->as<Array>()) << path;
    return *value->as<Array>();
}

std::string text_of(const Value& object, std::string_view key) {
    return *object.as<Object>()->find(key)->as<std::string>();
}

// The other s: the order of the curve minus s.
Signature mirrored(Curve curve, Signature signature) {
    const Bytes order = *hex_decode(
        curve == Curve::k256 ? "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
                             : "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    int borrow = 0;
    for (std::size_t i = 32; i-- > 0;) {
        const int difference = order[i] - signature[32 + i] - borrow;
        borrow = difference < 0 ? 1 : 0;
        signature[32 + i] = static_cast<std::uint8_t>(difference + 256 * borrow);
    }
    return signature;
}

TEST(Keys, KnownPrivateKeysHaveTheirKnownPublicKeys) {
    EXPECT_EQ(key_of(Curve::k256, 0x11).public_key().did_key(),
              "did:key:zQ3shjyJXUaRJC2GC43mX8aPrUhoTdoiongXhZjsdTzPKYZUM");
    EXPECT_EQ(key_of(Curve::p256, 0x33).public_key().did_key(),
              "did:key:zDnaeoA2SUkGYYDAVZBKgd4xWMGadgX2U29YPw8iEvCuELmfi");
}

TEST(Keys, K256SignaturesAreDeterministic) {
    EXPECT_EQ(hex_encode(key_of(Curve::k256, 0x11).sign(as_bytes("hello"))),
              "9343f49d1310f5686904a22025b1f7fb8f43f8a2a8061a19e96d3ac533a5a08d"
              "387263f8fa9bacad1865b222484ea5af7b66a08297005ea3d9bfd2846a9c3dd0");
}

TEST(Keys, SignsAndVerifies) {
    for (const Curve curve : curves) {
        for (int round = 0; round < 50; ++round) {
            const PrivateKey key = PrivateKey::generate(curve);
            const Bytes message = random_bytes(random_below(200));
            const Signature signature = key.sign(message);
            EXPECT_TRUE(key.public_key().verify(message, signature));
            const Signature high = mirrored(curve, signature);
            EXPECT_FALSE(key.public_key().verify(message, high));
            EXPECT_TRUE(key.public_key().verify(message, high, SPolicy::any));
        }
    }
}

TEST(Keys, RefusesWhatWasNotSigned) {
    for (const Curve curve : curves) {
        const PrivateKey key = key_of(curve, 0x11);
        const ByteView message = as_bytes("hello");
        const Signature signature = key.sign(message);
        for (const SPolicy policy : {SPolicy::low_only, SPolicy::any}) {
            EXPECT_FALSE(key.public_key().verify(as_bytes("hellp"), signature, policy));
            EXPECT_FALSE(key_of(curve, 0x12).public_key().verify(message, signature, policy));
            for (std::size_t i = 0; i < signature.size(); ++i) {
                Signature changed = signature;
                changed[i] ^= 1;
                EXPECT_FALSE(key.public_key().verify(message, changed, policy)) << i;
            }
        }
    }
}

TEST(Keys, RefusesSignaturesOfWrongFormOrRange) {
    for (const Curve curve : curves) {
        const PublicKey key = key_of(curve, 0x11).public_key();
        Bytes longer(65, 1);
        for (const std::size_t size : {0, 1, 32, 63, 65})
            EXPECT_FALSE(key.verify(as_bytes("m"), ByteView(longer).first(size), SPolicy::any));
        Signature zero{};
        EXPECT_FALSE(key.verify(as_bytes("m"), zero, SPolicy::any));
        Signature all_ones;
        all_ones.fill(0xff);
        EXPECT_FALSE(key.verify(as_bytes("m"), all_ones, SPolicy::any));
    }
}

TEST(Keys, PrivateKeysMustBeInRange) {
    for (const Curve curve : curves) {
        EXPECT_FALSE(PrivateKey::from_raw(curve, raw_key(0)));
        EXPECT_FALSE(PrivateKey::from_raw(curve, raw_key(0xff)));
        EXPECT_FALSE(PrivateKey::from_raw(curve, SecretBytes(Bytes(31, 1))));
        EXPECT_FALSE(PrivateKey::from_raw(curve, SecretBytes(Bytes(33, 1))));
        EXPECT_FALSE(PrivateKey::from_raw(curve, SecretBytes()));
    }
    // The orders of the curves are the first numbers out of range.
    const auto from_hex = [](Curve curve, std::string_view hex) {
        return PrivateKey::from_raw(curve, SecretBytes(*hex_decode(hex))).has_value();
    };
    EXPECT_FALSE(
        from_hex(Curve::k256, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    EXPECT_TRUE(
        from_hex(Curve::k256, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"));
    EXPECT_FALSE(
        from_hex(Curve::p256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"));
    EXPECT_TRUE(
        from_hex(Curve::p256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"));
}

TEST(Keys, RawBytesComeBack) {
    for (const Curve curve : curves) {
        const PrivateKey key = PrivateKey::generate(curve);
        const Result<PrivateKey> again = PrivateKey::from_raw(curve, key.reveal_raw());
        ASSERT_TRUE(again);
        EXPECT_EQ(again->public_key(), key.public_key());
        EXPECT_EQ(again->curve(), curve);
    }
}

TEST(Keys, DidKeysRoundTrip) {
    for (const Curve curve : curves) {
        for (int round = 0; round < 20; ++round) {
            const PublicKey key = PrivateKey::generate(curve).public_key();
            const Result<PublicKey> again = PublicKey::parse_did_key(key.did_key());
            ASSERT_TRUE(again);
            EXPECT_EQ(*again, key);
            EXPECT_EQ(again->curve(), curve);
            const Result<PublicKey> from_point = PublicKey::from_point(curve, key.compressed());
            ASSERT_TRUE(from_point);
            EXPECT_EQ(*from_point, key);
        }
    }
}

TEST(Keys, ReadsUncompressedPoints) {
    // The generators of both curves, SEC 2.
    const Bytes k256 = *hex_decode(
        "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8");
    const Bytes p256 = *hex_decode(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
    Bytes one(32, 0);
    one.back() = 1;
    for (const auto& [curve, point] :
         {std::pair(Curve::k256, k256), std::pair(Curve::p256, p256)}) {
        const Result<PublicKey> key = PublicKey::from_point(curve, point);
        ASSERT_TRUE(key);
        EXPECT_EQ(*key, PrivateKey::from_raw(curve, SecretBytes(one))->public_key());
        Bytes off_curve = point;
        off_curve.back() ^= 1;
        EXPECT_FALSE(PublicKey::from_point(curve, off_curve));
        Bytes hybrid = point;  // X9.62's form with both y and its parity
        hybrid[0] = point.back() % 2 == 0 ? 6 : 7;
        EXPECT_FALSE(PublicKey::from_point(curve, hybrid));
        EXPECT_FALSE(PublicKey::from_point(curve, ByteView(point).first(64)));
        EXPECT_FALSE(PublicKey::from_point(curve, {}));
        EXPECT_FALSE(PublicKey::from_point(curve, Bytes{0}));  // the point at infinity
    }
}

TEST(Keys, RefusesWrongDidKeys) {
    const std::string good = key_of(Curve::k256, 0x11).public_key().did_key();
    EXPECT_TRUE(PublicKey::parse_did_key(good));
    for (const std::string& bad :
         {std::string(), std::string("did:key:"), std::string("did:key:z"), good.substr(8),
          good + "1", good.substr(0, good.size() - 1), "DID:key:" + good.substr(8), " " + good,
          good + " ", std::string("did:key:f") + hex_encode(Bytes(35, 1)),
          // ed25519 and a point that is on neither curve
          std::string("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"),
          "did:key:z" + base58_encode(*hex_decode("e701" + std::string(66, '0'))),
          std::string(5000, 'z')})
        EXPECT_FALSE(PublicKey::parse_did_key(bad)) << bad;
}

TEST(Keys, AgreesWithTheInteropSignatures) {
    const Array fixtures = read_fixtures("signature-fixtures.json");
    if (fixtures.empty()) GTEST_SKIP() << "the interop files are not on this machine";
    for (const Value& fixture : fixtures) {
        const std::string comment = text_of(fixture, "comment");
        const Result<PublicKey> key = PublicKey::parse_did_key(text_of(fixture, "publicKeyDid"));
        ASSERT_TRUE(key) << comment;
        EXPECT_EQ(jwt_algorithm(key->curve()), text_of(fixture, "algorithm"));
        const Bytes point = *base58_decode(text_of(fixture, "publicKeyMultibase").substr(1));
        EXPECT_EQ(*PublicKey::from_point(key->curve(), point), *key) << comment;
        const Bytes message = *base64_decode(text_of(fixture, "messageBase64"));
        const Bytes signature = *base64_decode(text_of(fixture, "signatureBase64"));
        const bool* const valid = fixture.as<Object>()->find("validSignature")->as<bool>();
        EXPECT_EQ(key->verify(message, signature), *valid) << comment;
    }
}

TEST(Keys, AgreesWithTheInteropDidKeys) {
    const Array k256 = read_fixtures("w3c_didkey_K256.json");
    const Array p256 = read_fixtures("w3c_didkey_P256.json");
    if (k256.empty() || p256.empty()) GTEST_SKIP() << "the interop files are not on this machine";
    for (const Value& fixture : k256) {
        const SecretBytes raw(*hex_decode(text_of(fixture, "privateKeyBytesHex")));
        EXPECT_EQ(PrivateKey::from_raw(Curve::k256, raw)->public_key().did_key(),
                  text_of(fixture, "publicDidKey"));
    }
    for (const Value& fixture : p256) {
        const SecretBytes raw(*base58_decode(text_of(fixture, "privateKeyBytesBase58")));
        EXPECT_EQ(PrivateKey::from_raw(Curve::p256, raw)->public_key().did_key(),
                  text_of(fixture, "publicDidKey"));
    }
}

}  // namespace
}  // namespace roost::atproto
