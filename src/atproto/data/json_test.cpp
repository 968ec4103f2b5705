#include "atproto/data/json.h"

#include <gtest/gtest.h>

#include <thread>

#include "atproto/data/cbor.h"
#include "atproto/data/random_value.h"

namespace roost::atproto::json {
namespace {

std::string refusal(std::string_view text) {
    auto parsed = parse(text);
    return parsed ? "accepted: " + write(*parsed) : parsed.error().message;
}

constexpr std::string_view cid_text = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
const Cid some_cid = Cid::parse(cid_text).value();

TEST(Json, ReadsEachKind) {
    EXPECT_EQ(parse("null").value(), Value());
    EXPECT_EQ(parse(" true ").value(), Value(true));
    EXPECT_EQ(parse("false").value(), Value(false));
    EXPECT_EQ(parse("\"a\"").value(), Value("a"));
    EXPECT_EQ(parse("[]").value(), Value(Array{}));
    EXPECT_EQ(parse("{}").value(), Value(Object{}));
    EXPECT_EQ(parse(R"({"b":[1,{"c":null}],"a":"x"})").value(),
              Value(Object{{"b", Array{1, Object{{"c", nullptr}}}}, {"a", "x"}}));
}

TEST(Json, KeepsTheOrderOfMembers) {
    const std::string text = R"({"z":1,"a":2,"m":{"y":1,"b":2}})";
    EXPECT_EQ(write(parse(text).value()), text);
}

TEST(Json, ReadsIntegersOf64Bits) {
    EXPECT_EQ(parse("9223372036854775807").value(), Value(INT64_MAX));
    EXPECT_EQ(parse("-9223372036854775808").value(), Value(INT64_MIN));
    EXPECT_EQ(parse("-0").value(), Value(0));
    EXPECT_EQ(parse("1.0").value(), Value(1));
    EXPECT_EQ(parse("-0.0").value(), Value(0));
    EXPECT_EQ(parse("-12e2").value(), Value(-1200));
    EXPECT_EQ(parse("9007199254740992.0").value(), Value(9007199254740992));
    EXPECT_EQ(parse("-9007199254740992.0").value(), Value(-9007199254740992));
}

TEST(Json, RefusesOtherNumbers) {
    EXPECT_EQ(refusal("1.5"), "Invalid JSON: numbers with a fraction are not allowed");
    EXPECT_EQ(refusal("1e-3"), "Invalid JSON: numbers with a fraction are not allowed");
    EXPECT_EQ(refusal("9007199254740994.0"),
              "Invalid JSON: a number beyond 2^53 in float notation");
    EXPECT_EQ(refusal("1e300"), "Invalid JSON: a number beyond 2^53 in float notation");
    EXPECT_EQ(refusal("9223372036854775808"), "Invalid JSON: an integer beyond 64 bits");
    EXPECT_EQ(refusal("18446744073709551615"), "Invalid JSON: an integer beyond 64 bits");
    for (const char* text :
         {"18446744073709551616", "-9223372036854775809", "1e400", "-1e400", "01", "+1", "1.", ".5",
          "-", "0x10", "NaN", "Infinity", "-Infinity", "1_000", "123456789012345678901234567890"})
        EXPECT_FALSE(parse(text)) << text;
}

TEST(Json, ReadsEscapes) {
    EXPECT_EQ(parse(R"("\"\\\/\b\f\n\r\t")").value(), Value("\"\\/\b\f\n\r\t"));
    EXPECT_EQ(parse(R"("\u0041\u00e9\u20AC\ud83e\udd86")").value(),
              Value("A\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x86"));
    EXPECT_EQ(parse(R"("a\u0000b")").value(), Value(std::string("a\0b", 3)));
    EXPECT_EQ(parse(R"({"a\u0000":1})").value(), Value(Object{{std::string("a\0", 2), 1}}));
}

TEST(Json, RefusesStringsThatAreNotUnicode) {
    for (const char* text : {R"("\ud800")",
                             R"("\udc00")",
                             R"("\ud800\u0041")",
                             R"("\ud800\ud800")",
                             R"("\udc00\ud800")",
                             R"("\ud83e")",
                             R"("\ud83ex")",
                             R"({"\ud800":1})",
                             R"("\u12")",
                             R"("\u00zz")",
                             R"("\x41")",
                             R"("\a")",
                             "\"a\nb\"",
                             "\"\x01\"",
                             "\"open",
                             "'a'",
                             "\"\xff\"",
                             "\"\xc0\x80\"",
                             "\"\xed\xa0\x80\"",
                             "\"\xf4\x90\x80\x80\"",
                             "\xef\xbb\xbf{}"})
        EXPECT_FALSE(parse(text)) << refusal(text);
    EXPECT_FALSE(parse(std::string_view("\"a\0b\"", 5)));
    EXPECT_FALSE(parse(std::string_view("{}\0", 3)));
}

TEST(Json, RefusesBrokenDocuments) {
    for (const char* text : {"",      " ",           "{",         "}",          "[",       "[1,]",
                             "[,]",   "{\"a\"}",     "{\"a\":}",  "{\"a\":1,}", "{a:1}",   "{} {}",
                             "1 2",   "[1 2]",       "nul",       "True",       "// x\n1", "[1]]",
                             "{1:2}", "\"a\" \"b\"", "[\"a\":1]", "undefined"})
        EXPECT_FALSE(parse(text)) << refusal(text);
    EXPECT_EQ(refusal(""), "Invalid JSON: empty");
    EXPECT_EQ(parse("{").error().fault, Fault::invalid);
    EXPECT_EQ(parse("{").error().name, "InvalidRequest");
}

TEST(Json, RefusesDuplicateKeysByName) {
    EXPECT_EQ(refusal(R"({"a":1,"b":2,"a":3})"), "Invalid JSON: duplicate key \"a\"");
    EXPECT_EQ(refusal(R"({"a":1,"\u0061":3})"), "Invalid JSON: duplicate key \"a\"");
    EXPECT_EQ(refusal(R"({"x":[0,{"a":1,"a":1}]})"), "Invalid JSON at x[1]: duplicate key \"a\"");
    std::string many = "{";
    for (int i = 0; i < 1000; ++i)
        many += "\"k" + std::to_string(i) + "\":0,";
    EXPECT_TRUE(parse(many + "\"l\":0}"));
    EXPECT_EQ(refusal(many + "\"k500\":0}"), "Invalid JSON: duplicate key \"k500\"");
    const std::string long_key(1000, 'k');
    EXPECT_EQ(refusal("{\"" + long_key + "\":1,\"" + long_key + "\":1}"),
              "Invalid JSON: duplicate key \"" + std::string(64, 'k') + "\"");
}

TEST(Json, ManyKeysTakeLittleTime) {
    std::string text = "{";
    for (int i = 0; i < 50'000; ++i)
        text += "\"key" + std::to_string(i) + "\":0,";
    text.back() = '}';
    EXPECT_EQ(parse(text).value().as<Object>()->size(), 50'000u);
}

TEST(Json, NamesThePlaceOfAnError) {
    EXPECT_EQ(refusal(R"({"record":{"tags":["a",{"x":0.5}]}})"),
              "Invalid JSON at record.tags[1].x: numbers with a fraction are not allowed");
    EXPECT_EQ(refusal("[[0.5]]"),
              "Invalid JSON at [0][0]: numbers with a fraction are not allowed");
    // A long key is cut between characters.
    const std::string key = std::string(63, 'k') + "\xc3\xa9";
    EXPECT_EQ(refusal("{\"" + key + "\":0.5}"), "Invalid JSON at " + std::string(63, 'k') +
                                                    ": numbers with a fraction are not allowed");
}

TEST(Json, ReadsLinks) {
    const std::string link = R"({"$link":")" + std::string(cid_text) + "\"}";
    EXPECT_EQ(parse(link).value(), Value(some_cid));
    EXPECT_EQ(parse("[" + link + "," + link + "]").value(), Value(Array{some_cid, some_cid}));
    EXPECT_EQ(write(Value(some_cid)), link);
}

TEST(Json, RefusesLinksOfAnotherForm) {
    EXPECT_EQ(refusal(R"({"$link":1})"), "Invalid JSON: \"$link\" is not a string");
    EXPECT_EQ(refusal(R"({"$link":null})"), "Invalid JSON: \"$link\" is not a string");
    EXPECT_EQ(
        refusal(R"({"a":{"$link":"x"}})"),
        "Invalid JSON at a: \"$link\": Invalid CID: expected 59 characters of base32 that begin "
        "with \"b\"");
    const std::string link = R"("$link":")" + std::string(cid_text) + "\"";
    EXPECT_EQ(refusal("{" + link + ",\"a\":1}"),
              "Invalid JSON: an object with \"$link\" has other keys");
    EXPECT_EQ(refusal("{\"a\":1," + link + "}"),
              "Invalid JSON: an object with \"$link\" has other keys");
    EXPECT_EQ(refusal("{" + link + "," + link + "}"),
              "Invalid JSON: an object with \"$link\" has other keys");
    EXPECT_EQ(refusal("{" + link + ",\"$bytes\":\"\"}"),
              "Invalid JSON: an object with \"$link\" has other keys");
    EXPECT_TRUE(parse(R"({"$linker":1,"$type":"a"})"));
}

TEST(Json, ReadsBytes) {
    EXPECT_EQ(parse(R"({"$bytes":""})").value(), Value(Bytes{}));
    EXPECT_EQ(parse(R"({"$bytes":"+/8"})").value(), Value(Bytes{0xfb, 0xff}));
    EXPECT_EQ(parse(R"({"$bytes":"+/8="})").value(), Value(Bytes{0xfb, 0xff}));
    EXPECT_EQ(write(Value(Bytes{0xfb, 0xff})), R"({"$bytes":"+/8"})");
}

TEST(Json, RefusesBytesOfAnotherForm) {
    EXPECT_EQ(refusal(R"({"$bytes":[1]})"), "Invalid JSON: \"$bytes\" is not a string");
    EXPECT_EQ(refusal(R"({"$bytes":"-_8"})"), "Invalid JSON: \"$bytes\" is not base64");
    EXPECT_EQ(refusal(R"({"$bytes":"+/9"})"), "Invalid JSON: \"$bytes\" is not base64");
    EXPECT_EQ(refusal(R"({"$bytes":"AA","a":1})"),
              "Invalid JSON: an object with \"$bytes\" has other keys");
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

TEST(Json, NestsAtMost64Deep) {
    EXPECT_TRUE(parse(nested(64))) << refusal(nested(64));
    EXPECT_EQ(refusal(nested(65)), "Invalid JSON: nested too deeply");
    EXPECT_FALSE(parse(nested(100'000)));
    EXPECT_FALSE(parse(std::string(100'000, '[')));
    EXPECT_EQ(write(parse(nested(64)).value()), nested(64));
}

TEST(Json, WritesAParsedValueWithinAnAnswer) {
    Value value = parse(nested(64)).value();
    value = Object{{"value", std::move(value)}};
    EXPECT_EQ(write(value), "{\"value\":" + nested(64) + "}");
    for (int i = 0; i < 65; ++i)
        value = Array{std::move(value)};
    EXPECT_DEATH(write(value), "bounded depth");
}

TEST(Json, WritesStringsEscaped) {
    std::string out = ">";
    append_string(out, "a\"b\\c/d\b\f\n\r\t\x01\x1f\x7f\xc3\xa9");
    EXPECT_EQ(out, ">\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"");
    // Every byte at every position of a word.
    for (std::size_t position = 0; position < 16; ++position) {
        for (int c = 0; c < 0x80; ++c) {
            std::string text(20, 'x');
            text[position] = static_cast<char>(c);
            std::string quoted;
            append_string(quoted, text);
            EXPECT_EQ(parse(quoted).value(), Value(text)) << c << " at " << position;
        }
    }
}

// With a character to escape at each place, and none, behind what is there already.
TEST(Json, WritesStringsOfEachLength) {
    std::string out, expected;
    for (std::size_t size = 0; size <= 40; ++size) {
        for (std::size_t place = 0; place <= size; ++place) {
            std::string text(size, 'a');
            std::string quoted = text;
            if (place < size) {
                text[place] = '\n';
                quoted.replace(place, 1, "\\n");
            }
            append_string(out, text);
            expected.append("\"").append(quoted).append("\"");
            ASSERT_EQ(out, expected);
        }
    }
}

TEST(Json, WritesIntegers) {
    std::string out;
    append_int(out, INT64_MIN);
    append_int(out, 0);
    append_int(out, INT64_MAX);
    EXPECT_EQ(out, "-922337203685477580809223372036854775807");
}

TEST(Json, RandomValuesRoundTrip) {
    RandomValues random(2029);
    for (int i = 0; i < 2000; ++i) {
        const Value value = random.value(4);
        const std::string text = write(value);
        auto parsed = parse(text);
        ASSERT_TRUE(parsed) << text << parsed.error().message;
        EXPECT_EQ(*parsed, value) << text;
        EXPECT_EQ(write(*parsed), text);
    }
}

TEST(Json, OfCborIsThatOfTheValue) {
    RandomValues random(7);
    for (int i = 0; i < 2000; ++i) {
        const Value value = random.value(4);
        const Bytes cbor = cbor::encode(value);
        std::string json = "before ";
        ASSERT_TRUE(append_cbor(json, cbor));
        // The keys are in CBOR's order.
        EXPECT_EQ(json, "before " + write(*cbor::decode(cbor)));
    }
}

TEST(Json, OfCborRefusesWhatIsNoCbor) {
    const Bytes two_items{0x01, 0x02};
    const Bytes cut_off{0x82, 0x01};
    std::string json;
    EXPECT_EQ(append_cbor(json, two_items).error().message,
              cbor::decode(two_items).error().message);
    EXPECT_EQ(append_cbor(json, cut_off).error().message, cbor::decode(cut_off).error().message);
}

TEST(Json, EachThreadHasItsOwnParser) {
    auto work = [] {
        for (int i = 0; i < 200; ++i) {
            const std::string text = "[" + std::to_string(i) + ",\"" + std::string(40, 'x') + "\"]";
            EXPECT_EQ(write(parse(text).value()), text);
        }
    };
    std::thread one(work), two(work);
    one.join();
    two.join();
}

// A large document makes the parser be replaced; the next parse works like the first.
TEST(Json, ReadsALargeDocumentThenASmallOne) {
    const std::string large = "\"" + std::string(3 * json_parser_kept_max, 'x') + "\"";
    EXPECT_EQ(write(parse(large).value()), large);
    EXPECT_EQ(refusal(nested(65)), "Invalid JSON: nested too deeply");
    EXPECT_EQ(write(parse("[1]").value()), "[1]");
    const std::string middling = "\"" + std::string(json_parser_kept_max / 2, 'x') + "\"";
    EXPECT_TRUE(parse(middling));
    EXPECT_EQ(refusal(nested(65)), "Invalid JSON: nested too deeply");
    EXPECT_TRUE(parse(nested(64)));
}

}  // namespace
}  // namespace roost::atproto::json
