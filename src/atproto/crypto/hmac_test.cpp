#include "atproto/crypto/hmac.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace roost::atproto {
namespace {

std::string tag_of(Bytes key, std::string_view message) {
    return hex_encode(HmacKey(SecretBytes(std::move(key))).sign(message));
}

// https://www.rfc-editor.org/rfc/rfc4231, test cases 1, 2, 3, 6 and 7.
TEST(Hmac, AgreesWithRfc4231) {
    EXPECT_EQ(tag_of(Bytes(20, 0x0b), "Hi There"),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(tag_of(to_bytes("Jefe"), "what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(tag_of(Bytes(20, 0xaa), std::string(50, '\xdd')),
              "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    EXPECT_EQ(tag_of(Bytes(131, 0xaa), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    EXPECT_EQ(tag_of(Bytes(131, 0xaa),
                     "This is a test using a larger than block-size key and a larger than "
                     "block-size data. The key needs to be hashed before being used by the HMAC "
                     "algorithm."),
              "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(Hmac, SignsAgainAndAgain) {
    const HmacKey key(SecretBytes(Bytes(64, 7)));
    const HmacKey copy = key;
    const HmacKey::Tag tag = key.sign("message");
    EXPECT_EQ(key.sign("message"), tag);
    EXPECT_EQ(copy.sign("message"), tag);
    EXPECT_NE(key.sign("Message"), tag);
    EXPECT_NE(HmacKey(SecretBytes(Bytes(65, 7))).sign("message"), tag);
}

TEST(Hmac, Verifies) {
    const HmacKey key(SecretBytes(Bytes(32, 7)));
    HmacKey::Tag tag = key.sign("message");
    EXPECT_TRUE(key.verify("message", tag));
    EXPECT_FALSE(key.verify("massage", tag));
    EXPECT_FALSE(key.verify("message", ByteView(tag).first(31)));
    EXPECT_FALSE(key.verify("message", {}));
    tag[31] ^= 1;
    EXPECT_FALSE(key.verify("message", tag));
}

}  // namespace
}  // namespace roost::atproto
