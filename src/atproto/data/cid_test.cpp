#include "atproto/data/cid.h"

#include <gtest/gtest.h>

#include <random>

#include "base/encoding.h"

namespace roost::atproto {
namespace {

// The CID of the dag-cbor encoding of the empty map, and of raw "hello".
constexpr std::string_view empty_map_text =
    "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
constexpr std::string_view hello_hash =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

TEST(Sha256, KnowsTheStandardVectors) {
    EXPECT_EQ(hex_encode(sha256({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex_encode(sha256(as_bytes("hello"))), hello_hash);
}

TEST(Cid, HashesContent) {
    const Cid cid = Cid::of(Codec::dag_cbor, Bytes{0xa0});
    EXPECT_EQ(cid.text(), empty_map_text);
    EXPECT_EQ(cid.codec(), Codec::dag_cbor);
    const Cid raw = Cid::of(Codec::raw, as_bytes("hello"));
    EXPECT_EQ(hex_encode(raw.binary()), "01551220" + std::string(hello_hash));
    EXPECT_TRUE(raw.text().starts_with("bafkrei"));
}

TEST(Cid, RoundTripsThroughTextAndBytes) {
    std::mt19937 random(17);
    for (int i = 0; i < 500; ++i) {
        const Codec codec = random() % 2 == 0 ? Codec::raw : Codec::dag_cbor;
        const Cid cid = Cid::of(codec, as_bytes(std::to_string(random())));
        EXPECT_EQ(Cid::parse(cid.text()).value(), cid);
        EXPECT_EQ(Cid::from_binary(cid.binary()).value(), cid);
        EXPECT_EQ(Cid::from_digest(codec, cid.digest()), cid);
    }
}

TEST(Cid, RefusesOtherForms) {
    const std::string text(empty_map_text);
    for (const std::string& wrong :
         {std::string(), text.substr(1), text + "a", "z" + text.substr(1), "B" + text.substr(1),
          "b" + text, text.substr(0, 58), text.substr(0, 58) + "1", text.substr(0, 58) + "b"})
        EXPECT_FALSE(Cid::parse(wrong)) << wrong;
    const auto binary = Cid::parse(text).value().binary();
    for (std::size_t i = 0; i < 4; ++i) {  // version, codec, hash kind, length
        auto wrong = binary;
        wrong[i] ^= 1;
        EXPECT_FALSE(Cid::from_binary(wrong)) << i;
    }
    EXPECT_FALSE(Cid::from_binary(ByteView(binary).first(35)));
    Bytes longer(binary.begin(), binary.end());
    longer.push_back(0);
    EXPECT_FALSE(Cid::from_binary(longer));
    EXPECT_EQ(Cid::parse("x").error().message,
              "Invalid CID: expected 59 characters of base32 that begin with \"b\"");
}

TEST(Cid, KnowsTheSyntaxOfForeignCids) {
    const Bytes digest(32, 7);
    auto binary = [&](std::initializer_list<std::uint8_t> head) {
        Bytes bytes(head);
        append(bytes, digest);
        return bytes;
    };
    EXPECT_TRUE(Cid::is_cid_syntax(empty_map_text));
    EXPECT_TRUE(Cid::is_cid_syntax(base58_encode(binary({0x12, 0x20}))));  // version 0
    EXPECT_TRUE(Cid::is_cid_syntax("z" + base58_encode(binary({1, 0x70, 0x12, 0x20}))));
    EXPECT_TRUE(Cid::is_cid_syntax("b" + base32_encode(binary({1, 0x70, 0x1e, 0x20}))));  // BLAKE3
    EXPECT_TRUE(Cid::is_cid_syntax("b" + base32_encode(binary({1, 0x81, 0x02, 0x12, 0x20}))));

    EXPECT_FALSE(Cid::is_cid_syntax(""));
    EXPECT_FALSE(Cid::is_cid_syntax("b"));
    EXPECT_FALSE(Cid::is_cid_syntax("hello"));
    EXPECT_FALSE(Cid::is_cid_syntax("b" + base32_encode(binary({2, 0x70, 0x12, 0x20}))));
    EXPECT_FALSE(Cid::is_cid_syntax("b" + base32_encode(binary({1, 0x70, 0x12, 0x21}))));
    EXPECT_FALSE(Cid::is_cid_syntax("b" + base32_encode(binary({1, 0x70, 0x12, 0x1f}))));
    EXPECT_FALSE(Cid::is_cid_syntax("b" + base32_encode(binary({1, 0xf0, 0x00, 0x12, 0x20}))));
    EXPECT_FALSE(Cid::is_cid_syntax("b" + base32_encode(Bytes{1, 0x70, 0x12})));
    EXPECT_FALSE(Cid::is_cid_syntax("b" + base32_encode(Bytes(12, 0xff))));
    EXPECT_FALSE(Cid::is_cid_syntax(base58_encode(binary({0x13, 0x20}))));
}

}  // namespace
}  // namespace roost::atproto
