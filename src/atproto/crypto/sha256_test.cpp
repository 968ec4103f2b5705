#include "atproto/crypto/sha256.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace roost::atproto {
namespace {

// NIST FIPS 180-4, example of two blocks.
TEST(Sha256, HashesAsPublished) {
    Sha256 hash;
    hash.update(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
    EXPECT_EQ(hex_encode(hash.finish()),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PiecesMakeNoDifference) {
    Bytes content;
    for (int i = 0; i < 1'000; ++i)
        content.push_back(static_cast<std::uint8_t>(i * 7));
    for (const std::size_t size : {1u, 3u, 63u, 64u, 65u, 999u, 1'000u}) {
        Sha256 hash;
        for (std::size_t at = 0; at < content.size(); at += size)
            hash.update(ByteView(content).subspan(at, std::min(size, content.size() - at)));
        EXPECT_EQ(hash.finish(), sha256(content)) << size;
    }
    EXPECT_EQ(Sha256().finish(), sha256({}));
}

}  // namespace
}  // namespace roost::atproto
