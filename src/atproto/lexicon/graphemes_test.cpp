#include "atproto/lexicon/graphemes.h"

#include <gtest/gtest.h>

#include <string>

namespace roost::lexicon {
namespace {

struct Case {
    std::string_view text;
    std::size_t graphemes;
    const char* why;
};

// Counts as Intl.Segmenter's.
constexpr Case cases[] = {
    {"", 0, "nothing"},
    {"hello", 5, "ASCII"},
    {"\r\n", 1, "GB3: a line end is one"},
    {"\n\r", 2, "GB4, GB5: but not the other way round"},
    {"a\nb", 3, "control characters stand alone"},
    {"\n\u0301", 2, "nothing extends a control character"},
    {"e\u0301", 1, "GB9: a combining accent"},
    {"e\u0301\u0323\u0308", 1, "several"},
    {"\u0301", 1, "an accent without a letter"},
    {"\u1100\u1161\u11a8", 1, "GB6 to GB8: Hangul letters make a syllable"},
    {"\uac00\u11a8", 1, "a syllable takes a final"},
    {"\uac01\u11a8", 1, "and another"},
    {"\uac01\u1161", 2, "but no vowel after a final"},
    {"\uac00\uac01", 2, "two syllables"},
    {"\u0928\u0940", 1, "GB9a: a spacing vowel sign"},
    {"\u0600\u0661", 1, "GB9b: a number sign before its number"},
    {"\u0915\u094d\u0937", 1, "GB9c: a conjunct"},
    {"\u0915\u094d\u200d\u0937", 1, "with a joiner"},
    {"\u0915\u094d\u200c\u0937", 2, "a non-joiner keeps them apart"},
    {"\u0915\u0937", 2, "no linker, no conjunct"},
    {"\u0915\u094d\u0937\u094d\u092f", 1, "a longer conjunct"},
    {"\u0915\u0902\u094d\u0937", 1, "what extends may stand in between"},
    {"a\u094d\u0937", 2, "a linker behind no consonant"},
    {"\U0001F468\u200D\U0001F469\u200D\U0001F467", 1, "GB11: a family"},
    {"\U0001F44D\U0001F3FD", 1, "a skin tone"},
    {"\u2764\uFE0F\u200D\U0001F525", 1, "a variation selector before the joiner"},
    {"\U0001F600\U0001F600", 2, "two faces"},
    {"a\u200D\U0001F600", 2, "a joiner behind a letter joins nothing"},
    {"\U0001F600\u200Da", 2, "nor before one"},
    {"\U0001F600\u200D\u200D\U0001F600", 2, "nor do two joiners"},
    {"\U0001F1E9\U0001F1EA", 1, "GB12, GB13: a flag"},
    {"\U0001F1E9\U0001F1EA\U0001F1EB", 2, "a flag and a half"},
    {"\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7", 2, "two flags"},
    {"\U0001F1E9\u0301\U0001F1EA", 2, "an accent parts the halves of a flag"},
    {"\u4F60\u597D", 2, "Han"},
    {"\u0E01\u0E33", 1, "Thai"},
    {"\U0010FFFF", 1, "the last code point"},
};

TEST(Graphemes, AreCountedByTheRules) {
    for (const Case& each : cases)
        EXPECT_EQ(count_graphemes(each.text), each.graphemes) << each.why;
}

TEST(Graphemes, LongTextsTakeLinearTime) {
    std::string text;
    for (int i = 0; i < 100'000; ++i)
        text += "\u0301";
    EXPECT_EQ(count_graphemes(text), 1U);
}

}  // namespace
}  // namespace roost::lexicon
