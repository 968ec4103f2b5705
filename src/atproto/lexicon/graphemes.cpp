#include "atproto/lexicon/graphemes.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "atproto/lexicon/grapheme_table.h"

namespace roost::lexicon {
namespace {

using grapheme::Class;

// Takes one character off the front of valid UTF-8.
std::uint32_t take_character(std::string_view& text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    size = std::min(size, text.size());
    std::uint32_t character = size == 1 ? lead : lead & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i)
        character = character << 6 | (byte(i) & 0x3FU);
    text.remove_prefix(size);
    return character;
}

Class class_of(std::uint32_t character) {
    if (character < 0x80) {
        if (character == '\r') return Class::carriage_return;
        if (character == '\n') return Class::line_feed;
        return character < 0x20 || character == 0x7F ? Class::control : Class::other;
    }
    if (character >= 0xAC00 && character <= 0xD7A3)
        return (character - 0xAC00) % 28 == 0 ? Class::hangul_lv : Class::hangul_lvt;
    const auto* after =
        std::ranges::upper_bound(grapheme::ranges, character, {}, &grapheme::Range::first);
    if (after == std::begin(grapheme::ranges)) return Class::other;
    const grapheme::Range& range = *std::prev(after);
    return character <= range.last ? range.what : Class::other;
}

bool is_control(Class what) {
    return what == Class::carriage_return || what == Class::line_feed || what == Class::control;
}

bool extends(Class what) {
    return what == Class::extend || what == Class::non_joiner || what == Class::linker ||
           what == Class::zwj;
}

// What the rules remember of the characters so far.
struct State {
    Class before = Class::control;
    bool flag_is_open = false;     // an odd number of regional indicators
    bool emoji_may_join = false;   // a pictograph, then only what extends
    bool zwj_joins = false;        // … then a joiner
    bool conjunct_open = false;    // a consonant, then only what may stand in a conjunct
    bool conjunct_linked = false;  // … with a linker among it

    bool breaks_before(Class next) const;
    void take(Class next);
};

// The rules GB3 to GB999, in their order.
bool State::breaks_before(Class next) const {
    if (before == Class::carriage_return && next == Class::line_feed) return false;
    if (is_control(before) || is_control(next)) return true;
    if (before == Class::hangul_l && (next == Class::hangul_l || next == Class::hangul_v ||
                                      next == Class::hangul_lv || next == Class::hangul_lvt))
        return false;
    if ((before == Class::hangul_lv || before == Class::hangul_v) &&
        (next == Class::hangul_v || next == Class::hangul_t))
        return false;
    if ((before == Class::hangul_lvt || before == Class::hangul_t) && next == Class::hangul_t)
        return false;
    if (extends(next) || next == Class::spacing || before == Class::prepend) return false;
    if (conjunct_linked && next == Class::consonant) return false;
    if (zwj_joins && next == Class::pictographic) return false;
    return !(flag_is_open && next == Class::regional);
}

void State::take(Class next) {
    flag_is_open = next == Class::regional && !flag_is_open;
    zwj_joins = next == Class::zwj && emoji_may_join;
    emoji_may_join =
        next == Class::pictographic || (extends(next) && next != Class::zwj && emoji_may_join);
    if (next == Class::consonant) {
        conjunct_open = true;
        conjunct_linked = false;
    } else if (next == Class::linker) {
        conjunct_linked = conjunct_open;
    } else if (next != Class::extend && next != Class::zwj) {
        conjunct_open = false;
        conjunct_linked = false;
    }
    before = next;
}

}  // namespace

std::size_t count_graphemes(std::string_view text) {
    std::size_t count = 0;
    State state;
    while (!text.empty()) {
        const Class next = class_of(take_character(text));
        if (state.breaks_before(next)) ++count;
        state.take(next);
    }
    return count;
}

}  // namespace roost::lexicon
