#include "atproto/lexicon/query_string.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace roost::lexicon {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs pairs_of(std::string_view text) {
    Pairs out;
    QueryString query(text);
    while (query.take())
        out.emplace_back(query.name(), query.value());
    return out;
}

TEST(QueryString, SplitsIntoPairs) {
    EXPECT_EQ(pairs_of(""), Pairs{});
    EXPECT_EQ(pairs_of("&&"), Pairs{});
    EXPECT_EQ(pairs_of("a=1&b=2"), (Pairs{{"a", "1"}, {"b", "2"}}));
    EXPECT_EQ(pairs_of("a=1&a=2&"), (Pairs{{"a", "1"}, {"a", "2"}}));
    EXPECT_EQ(pairs_of("a"), (Pairs{{"a", ""}}));
    EXPECT_EQ(pairs_of("a="), (Pairs{{"a", ""}}));
    EXPECT_EQ(pairs_of("=a"), (Pairs{{"", "a"}}));
    EXPECT_EQ(pairs_of("a=b=c"), (Pairs{{"a", "b=c"}}));
    EXPECT_EQ(pairs_of("a=?;#"), (Pairs{{"a", "?;#"}}));
    EXPECT_EQ(pairs_of("%61%3d=%26"), (Pairs{{"a=", "&"}}));
}

TEST(QueryString, DecodesAsForms) {
    EXPECT_EQ(decode_form("a+b%20c%2B"), "a b c+");
    EXPECT_EQ(decode_form("%c3%A9"), "é");
    EXPECT_EQ(decode_form("%00"), std::string(1, '\0'));
    EXPECT_EQ(decode_form("100%"), "100%");
    EXPECT_EQ(decode_form("%4"), "%4");
    EXPECT_EQ(decode_form("%4g%zz%%41"), "%4g%zz%A");
}

// As browsers do: https://encoding.spec.whatwg.org/#utf-8-decoder
TEST(QueryString, ReplacesWhatIsNotUtf8) {
    const std::pair<const char*, const char*> cases[] = {
        {"%ff", "\uFFFD"},
        {"a%80b", "a\uFFFDb"},
        {"%c3", "\uFFFD"},
        {"%c3(", "\uFFFD("},
        {"%e2%82", "\uFFFD"},
        {"%e2%82%41", "\uFFFDA"},
        {"%e2%82%ac", "€"},
        {"%c0%af", "\uFFFD\uFFFD"},
        {"%ed%a0%80", "\uFFFD\uFFFD\uFFFD"},
        {"%f0%9f%98%80", "😀"},
        {"%f0%9f%98", "\uFFFD"},
        {"%f4%90%80%80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
        {"%e0%80%80", "\uFFFD\uFFFD\uFFFD"},
    };
    for (const auto& [text, decoded] : cases)
        EXPECT_EQ(decode_form(text), decoded) << text;
}

}  // namespace
}  // namespace roost::lexicon
