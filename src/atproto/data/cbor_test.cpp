#include "atproto/data/cbor.h"

#include <gtest/gtest.h>

#include "atproto/data/random_value.h"
#include "base/encoding.h"

namespace roost::atproto::cbor {
namespace {

Bytes hex(std::string_view text) {
    return hex_decode(text).value();
}
std::string encoded(const Value& value) {
    return hex_encode(encode(value));
}
std::string refusal(std::string_view input) {
    auto decoded = decode(hex(input));
    return decoded ? "accepted" : decoded.error().message;
}

const Cid some_cid = Cid::of(Codec::dag_cbor, {});
const std::string some_cid_hex =
    "d82a58250001711220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct {
    const char* hex;
    Value value;
} const examples[] = {
    {"00", 0},
    {"17", 23},
    {"1818", 24},
    {"18ff", 255},
    {"190100", 256},
    {"19ffff", 65535},
    {"1a00010000", 65536},
    {"1affffffff", 0xffffffffll},
    {"1b0000000100000000", 0x100000000ll},
    {"1b7fffffffffffffff", INT64_MAX},
    {"20", -1},
    {"37", -24},
    {"3818", -25},
    {"3b7fffffffffffffff", INT64_MIN},
    {"f4", false},
    {"f5", true},
    {"f6", nullptr},
    {"60", ""},
    {"6161", "a"},
    {"62c3a9", "\xc3\xa9"},
    {"6100", std::string(1, '\0')},
    {"40", Bytes{}},
    {"4201ff", Bytes{1, 0xff}},
    {"80", Array{}},
    {"8301820203820405", Array{1, Array{2, 3}, Array{4, 5}}},
    {"a0", Object{}},
    {"a3616101616202626161f6", Object{{"aa", nullptr}, {"b", 2}, {"a", 1}}},
};

TEST(Cbor, HasOneSpellingForEachValue) {
    for (const auto& [text, value] : examples) {
        EXPECT_EQ(encoded(value), text);
        auto decoded = decode(hex(text));
        ASSERT_TRUE(decoded) << text << decoded.error().message;
        EXPECT_EQ(*decoded, value) << text;
    }
    EXPECT_EQ(encoded(some_cid), some_cid_hex);
    EXPECT_EQ(decode(hex(some_cid_hex)).value(), Value(some_cid));
}

TEST(Cbor, SortsKeysByLengthFirst) {
    const Object object{{"", 0},  {"b", 1}, {"aa", 2}, {"\xc3\xa9", 3},
                        {"a", 4}, {"B", 5}, {"aaa", 6}};
    EXPECT_EQ(encoded(object),
              "a7600061420561610461620162616102"
              "62c3a9036361616106");
    Object many;
    Object sorted;
    for (int i = 99; i >= 0; --i)
        many.set(std::to_string(i), i);
    for (int i = 0; i < 100; ++i)
        sorted.set(std::to_string(i), i);
    EXPECT_EQ(encode(many), encode(sorted));
}

TEST(Cbor, AppendersWriteWhatEncodeWrites) {
    Bytes out;
    append_head(out, 5, 6);
    append_text(out, "b");
    append_bytes(out, Bytes(30, 9));
    append_text(out, "i");
    append_int(out, -500);
    append_text(out, "l");
    append_cid(out, some_cid);
    append_text(out, "n");
    append_null(out);
    append_text(out, "t");
    append_text(out, std::string(300, 't'));
    append_text(out, "y");
    append_bool(out, true);
    EXPECT_EQ(out, encode(Object{{"y", true},
                                 {"t", std::string(300, 't')},
                                 {"n", nullptr},
                                 {"l", some_cid},
                                 {"i", -500},
                                 {"b", Bytes(30, 9)}}));
}

TEST(Cbor, EncodeToAppends) {
    Bytes out{1, 2};
    encode_to(out, "a");
    EXPECT_EQ(hex_encode(out), "01026161");
}

TEST(Cbor, PrefixStopsAfterOneItem) {
    auto prefix = decode_prefix(hex("a1616101f6ff"));
    ASSERT_TRUE(prefix);
    EXPECT_EQ(prefix->value, Value(Object{{"a", 1}}));
    EXPECT_EQ(prefix->size, 4u);
    EXPECT_FALSE(decode_prefix({}));
    EXPECT_FALSE(decode_prefix(hex("a16161")));
}

TEST(Cbor, RefusesEverySecondSpelling) {
    const char* not_shortest = ": a number is not in its shortest form";
    for (const char* input : {"1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3817", "5800",
                              "780161", "9800", "b800", "a178016101"})
        EXPECT_TRUE(refusal(input).ends_with(not_shortest)) << input << refusal(input);
    for (const char* input :
         {"5f4101ff", "7f6161ff", "9f01ff", "bf616101ff", "1c", "1d", "1e", "1f", "df00"})
        EXPECT_TRUE(refusal(input).ends_with("indefinite lengths are not allowed")) << input;
    for (const char* input : {"f7", "e0", "f3", "f814", "f820", "f93c00", "fa3f800000",
                              "fb3ff0000000000000", "f97e00", "ff"})
        EXPECT_TRUE(refusal(input).ends_with("floats and simple values are not allowed")) << input;
    EXPECT_EQ(refusal("a2616202616101"),
              "Invalid CBOR at byte 6: the keys of a map are not in order");
    EXPECT_EQ(refusal("a262616101616202"),
              "Invalid CBOR at byte 7: the keys of a map are not in order");
    EXPECT_EQ(refusal("a2616101616101"), "Invalid CBOR at byte 6: a map has the same key twice");
    EXPECT_EQ(refusal("a20101"
                      "0202"),
              "Invalid CBOR at byte 2: a map key is not a text");
    EXPECT_EQ(refusal("a1416101"), "Invalid CBOR at byte 2: a map key is not a text");
    EXPECT_EQ(refusal("0000"), "Invalid CBOR at byte 1: more bytes after the item");
}

TEST(Cbor, RefusesWhatTheModelLacks) {
    EXPECT_TRUE(refusal("1b8000000000000000").ends_with("an integer beyond 64 bits"));
    EXPECT_TRUE(refusal("3b8000000000000000").ends_with("an integer beyond 64 bits"));
    EXPECT_TRUE(refusal("61ff").ends_with("a text is not UTF-8"));
    EXPECT_TRUE(refusal("63eda080").ends_with("a text is not UTF-8"));
    EXPECT_TRUE(refusal("a161c300").ends_with("a text is not UTF-8"));
    EXPECT_TRUE(refusal("c000").ends_with("a tag other than 42"));
    EXPECT_TRUE(refusal("d82b4100").ends_with("a tag other than 42"));
    EXPECT_TRUE(refusal("d82a6100").ends_with("a link is not a byte string"));
    EXPECT_TRUE(refusal("d82a40").ends_with("a link does not begin with zero"));
    EXPECT_TRUE(refusal("d82a4101").ends_with("a link does not begin with zero"));
    EXPECT_TRUE(refusal("d82a4100").ends_with("a link is not a version 1 CID with SHA-256"));
    EXPECT_TRUE(refusal("d82ad82a4100").ends_with("a link is not a byte string"));
}

TEST(Cbor, RefusesEveryTruncation) {
    const Bytes whole = encode(Object{{"array", Array{1, 1000, "text", nullptr}},
                                      {"bytes", Bytes(40, 1)},
                                      {"link", some_cid},
                                      {"number", INT64_MIN}});
    ASSERT_TRUE(decode(whole));
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(decode(ByteView(whole).first(size))) << size;
}

TEST(Cbor, ADeclaredLengthIsOnlyAClaim) {
    for (const char* input :
         {"5b7fffffffffffffff", "7bffffffffffffffff", "9bffffffffffffffff", "bb7fffffffffffffff",
          "9a7fffffff00", "ba7fffffff6000", "5affffffff00"})
        EXPECT_TRUE(refusal(input).find("the input") != std::string::npos) << input;
}

Bytes nested(std::size_t depth, std::string_view level) {
    Bytes bytes;
    for (std::size_t i = 0; i < depth; ++i)
        append(bytes, hex(level));
    bytes.push_back(0xf6);
    return bytes;
}

TEST(Cbor, NestsAtMost64Deep) {
    EXPECT_TRUE(decode(nested(64, "81")));
    EXPECT_TRUE(decode(nested(64, "a160")));
    EXPECT_EQ(decode(nested(65, "81")).error().message,
              "Invalid CBOR at byte 65: nested too deeply");
    EXPECT_FALSE(decode(nested(65, "a160")));
    EXPECT_FALSE(decode(nested(100'000, "81")));
    EXPECT_EQ(encode(decode(nested(64, "81")).value()), nested(64, "81"));
}

TEST(Cbor, WritesAParsedValueWithinAnAnswer) {
    Value value = decode(nested(64, "81")).value();
    value = Object{{"value", Array{std::move(value)}}};
    EXPECT_EQ(encode(value).size(), 65u + 1 + 6 + 1);
    for (int i = 0; i < 63; ++i)
        value = Array{std::move(value)};
    EXPECT_DEATH(encode(value), "bounded depth");
}

TEST(Cbor, RandomValuesRoundTrip) {
    RandomValues random(2026);
    for (int i = 0; i < 2000; ++i) {
        const Value value = random.value(4);
        const Bytes bytes = encode(value);
        auto decoded = decode(bytes);
        ASSERT_TRUE(decoded) << hex_encode(bytes) << decoded.error().message;
        EXPECT_EQ(*decoded, value) << hex_encode(bytes);
        EXPECT_EQ(encode(*decoded), bytes);
    }
}

// One changed byte gives another value or a refusal, never another spelling.
TEST(Cbor, RandomDamageIsNeverASecondSpelling) {
    RandomValues random(2027);
    std::mt19937 dice(2028);
    int accepted = 0;
    for (int i = 0; i < 5000; ++i) {
        Bytes bytes = encode(random.value(3));
        bytes[dice() % bytes.size()] = static_cast<std::uint8_t>(dice());
        auto decoded = decode(bytes);
        if (!decoded) continue;
        ++accepted;
        EXPECT_EQ(encode(*decoded), bytes);
    }
    EXPECT_GT(accepted, 500);
}

}  // namespace
}  // namespace roost::atproto::cbor
