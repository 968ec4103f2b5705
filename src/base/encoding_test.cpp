#include "base/encoding.h"

#include <gtest/gtest.h>

#include <random>

namespace roost {
namespace {

struct Vector {
    std::string_view plain;
    std::string_view encoded;
};

// RFC 4648, section 10.
constexpr Vector hex_vectors[] = {{"", ""}, {"f", "66"}, {"foobar", "666f6f626172"}};
constexpr Vector base32_vectors[] = {{"", ""},
                                     {"f", "my"},
                                     {"fo", "mzxq"},
                                     {"foo", "mzxw6"},
                                     {"foob", "mzxw6yq"},
                                     {"fooba", "mzxw6ytb"},
                                     {"foobar", "mzxw6ytboi"}};
constexpr Vector base64_vectors[] = {{"", ""},
                                     {"f", "Zg=="},
                                     {"fo", "Zm8="},
                                     {"foo", "Zm9v"},
                                     {"foob", "Zm9vYg=="},
                                     {"fooba", "Zm9vYmE="},
                                     {"foobar", "Zm9vYmFy"}};
// draft-msporny-base58, and leading zeros.
constexpr Vector base58_vectors[] = {
    {"", ""},
    {"Hello World!", "2NEpo7TZRRrLZSi2U"},
    {"The quick brown fox jumps over the lazy dog.",
     "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"},
    {std::string_view("\0\0a", 3), "112g"}};

TEST(Encoding, WritesAndReadsTheKnownVectors) {
    for (auto [plain, encoded] : hex_vectors) {
        EXPECT_EQ(hex_encode(as_bytes(plain)), encoded);
        EXPECT_EQ(hex_decode(encoded), to_bytes(plain));
    }
    for (auto [plain, encoded] : base32_vectors) {
        EXPECT_EQ(base32_encode(as_bytes(plain)), encoded);
        EXPECT_EQ(base32_decode(encoded), to_bytes(plain));
    }
    for (auto [plain, encoded] : base58_vectors) {
        EXPECT_EQ(base58_encode(as_bytes(plain)), encoded);
        EXPECT_EQ(base58_decode(encoded), to_bytes(plain));
    }
    for (auto [plain, encoded] : base64_vectors) {
        std::string_view unpadded = encoded.substr(0, encoded.find('='));
        EXPECT_EQ(base64_encode(as_bytes(plain)), encoded);
        EXPECT_EQ(base64_encode_unpadded(as_bytes(plain)), unpadded);
        EXPECT_EQ(base64_decode(encoded), to_bytes(plain));
        EXPECT_EQ(base64_decode(unpadded), to_bytes(plain));
    }
}

TEST(Encoding, TheTwoBase64AlphabetsDoNotMix) {
    const Bytes bytes{0xfb, 0xef, 0xff};
    EXPECT_EQ(base64_encode(bytes), "++//");
    EXPECT_EQ(base64url_encode(bytes), "--__");
    EXPECT_EQ(base64_decode("++//"), bytes);
    EXPECT_EQ(base64url_decode("--__"), bytes);
    EXPECT_FALSE(base64_decode("--__"));
    EXPECT_FALSE(base64url_decode("++//"));
    EXPECT_EQ(base64url_encode(as_bytes("f")), "Zg");
}

TEST(Encoding, RefusesASecondSpelling) {
    for (std::string_view text : {"6", "6g", " 66", "66\n", "0x66"})
        EXPECT_FALSE(hex_decode(text)) << text;
    // Upper case, padding, a spare character, stray bits, foreign characters.
    for (std::string_view text : {"MY", "my======", "m", "mzx", "mzxw6y", "mz", "m1", "m8", "m y"})
        EXPECT_FALSE(base32_decode(text)) << text;
    for (std::string_view text : {"Z", "Zh", "Zm9=", "Zg=", "Zg===", "====", "=",
                                  "Zm9v=", "Zm9v====", "Z=g=", "Zm 9", "Zm9v\n", "Zm9\xc3"})
        EXPECT_FALSE(base64_decode(text)) << text;
    for (std::string_view text : {"Zg==", "Zm8=", "Zh", "Z"})
        EXPECT_FALSE(base64url_decode(text)) << text;
    for (std::string_view text : {"0", "O", "I", "l", "2g ", "\xff"})
        EXPECT_FALSE(base58_decode(text)) << text;
}

TEST(Encoding, HexReadsEitherCase) {
    EXPECT_EQ(hex_decode("aBcD"), (Bytes{0xab, 0xcd}));
}

TEST(Encoding, Base58ReadsAtMost128Characters) {
    EXPECT_EQ(base58_decode(std::string(128, '1')), Bytes(128, 0));
    EXPECT_TRUE(base58_decode(std::string(128, 'z')));
    EXPECT_FALSE(base58_decode(std::string(129, '1')));
}

TEST(Encoding, RandomBytesRoundTrip) {
    std::mt19937 random(4711);
    for (int i = 0; i < 2000; ++i) {
        Bytes bytes(random() % 80);
        for (std::uint8_t& byte : bytes)
            byte = static_cast<std::uint8_t>(random());
        EXPECT_EQ(hex_decode(hex_encode(bytes)), bytes);
        EXPECT_EQ(base32_decode(base32_encode(bytes)), bytes);
        EXPECT_EQ(base58_decode(base58_encode(bytes)), bytes);
        EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
        EXPECT_EQ(base64_decode(base64_encode_unpadded(bytes)), bytes);
        EXPECT_EQ(base64url_decode(base64url_encode(bytes)), bytes);
    }
}

// Whatever a decoder accepts, encoding writes again.
TEST(Encoding, RandomTextHasOneSpellingOrNone) {
    std::mt19937 random(4712);
    int accepted = 0;
    for (int i = 0; i < 20000; ++i) {
        std::string text(random() % 6, '\0');
        for (char& c : text)
            c = "ABab27+/-_=z"[random() % 12];
        if (auto bytes = base32_decode(text)) {
            ++accepted;
            EXPECT_EQ(base32_encode(*bytes), text);
        }
        if (auto bytes = base58_decode(text)) {
            ++accepted;
            EXPECT_EQ(base58_encode(*bytes), text);
        }
        if (auto bytes = base64url_decode(text)) {
            ++accepted;
            EXPECT_EQ(base64url_encode(*bytes), text);
        }
        if (auto bytes = base64_decode(text)) {
            ++accepted;
            EXPECT_TRUE(base64_encode(*bytes) == text || base64_encode_unpadded(*bytes) == text);
        }
    }
    EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace roost
