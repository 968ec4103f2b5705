// How many characters a person sees in a text: extended grapheme clusters by the rules of Unicode
// 17 (https://www.unicode.org/reports/tr29/#Grapheme_Cluster_Boundaries), the same count as
// Intl.Segmenter's where it knows that version. Characters that a later version defines count as
// one each. Pure; the text is valid UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace roost::lexicon {

std::size_t count_graphemes(std::string_view text);

}  // namespace roost::lexicon
