#include "atproto/data/value.h"

#include <gtest/gtest.h>

#include "atproto/data/utf8.h"

namespace roost::atproto {
namespace {

TEST(Value, IsOneKindAtATime) {
    EXPECT_TRUE(Value().is_null());
    EXPECT_EQ(*Value(7).as<std::int64_t>(), 7);
    EXPECT_EQ(*Value(true).as<bool>(), true);
    EXPECT_EQ(*Value("text").as<std::string>(), "text");
    EXPECT_EQ(Value(1).as<bool>(), nullptr);
    EXPECT_NE(Value(1), Value(true));
    EXPECT_NE(Value("AQ"), Value(Bytes{1}));
}

TEST(Object, KeysAreUnique) {
    Object object{{"a", 1}, {"b", 2}, {"a", 3}};
    EXPECT_EQ(object.size(), 2u);
    EXPECT_EQ(*object.find("a"), Value(3));
    object.set("b", "new");
    EXPECT_EQ(*object.find("b"), Value("new"));
    EXPECT_EQ(object.find("c"), nullptr);
    EXPECT_TRUE(object.erase("a"));
    EXPECT_FALSE(object.erase("a"));
    EXPECT_EQ(object.size(), 1u);
    EXPECT_EQ(object.begin()->first, "b");
    EXPECT_FALSE(object.empty());
}

TEST(Object, EqualityIgnoresTheOrder) {
    EXPECT_EQ((Object{{"a", 1}, {"b", 2}}), (Object{{"b", 2}, {"a", 1}}));
    EXPECT_NE((Object{{"a", 1}, {"b", 2}}), (Object{{"b", 1}, {"a", 2}}));
    EXPECT_NE((Object{{"a", 1}}), (Object{{"a", 1}, {"b", 2}}));
    EXPECT_NE((Object{{"a", 1}, {"b", 2}}), (Object{{"a", 1}, {"c", 2}}));
}

// Comparing each level twice would take 2^60 steps here.
TEST(Object, ComparingDeepValuesIsLinear) {
    Value a(1), b(2);
    for (int i = 0; i < 60; ++i) {
        a = Object{{"k", std::move(a)}};
        b = Object{{"k", std::move(b)}};
    }
    EXPECT_NE(a, b);
    EXPECT_EQ(a, Value(a));
}

TEST(Utf8, AcceptsEachLength) {
    for (const char* text : {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
                             "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
                             "\xf4\x8f\xbf\xbf", "eight by\xc3\xa9 and on", "12345678\xe2\x82\xac"})
        EXPECT_TRUE(is_utf8(text)) << text;
    EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
}

TEST(Utf8, RefusesWhatIsNoCharacter) {
    for (const char* text :
         {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xe2\x82",
          "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x9f\xa6", "\xf4\x90\x80\x80",
          "\xf5\x80\x80\x80", "\xff", "\xfe", "12345678\xe2", "1234567\xe2\x82", "\xc3\xa9\xa9"})
        EXPECT_FALSE(is_utf8(text)) << text;
}

}  // namespace
}  // namespace roost::atproto
