#include "atproto/lexicon/query_string.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "atproto/data/utf8.h"

namespace roost::lexicon {
namespace {

std::optional<std::uint8_t> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return std::nullopt;
}

// How many bytes at the front form one character, or could begin one; and whether it is complete.
// https://encoding.spec.whatwg.org/#utf-8-decoder
struct Sequence {
    std::size_t size;
    bool is_character;
};

Sequence first_sequence(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return {1, true};
    const std::size_t needed = lead >= 0xC2 && lead <= 0xDF   ? 2
                               : lead >= 0xE0 && lead <= 0xEF ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    if (needed == 0) return {1, false};
    const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < needed; ++i) {
        const std::uint8_t from = i == 1 ? low : 0x80;
        const std::uint8_t to = i == 1 ? high : 0xBF;
        if (i >= text.size() || byte(i) < from || byte(i) > to) return {i, false};
    }
    return {needed, true};
}

std::string replace_bad_utf8(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const Sequence sequence = first_sequence(text);
        out += sequence.is_character ? text.substr(0, sequence.size) : std::string_view("\uFFFD");
        text.remove_prefix(sequence.size);
    }
    return out;
}

}  // namespace

std::string decode_form(std::string_view text) {
    std::string out(text.substr(0, std::min(text.find('%'), text.find('+'))));
    if (out.size() == text.size()) return atproto::is_utf8(out) ? out : replace_bad_utf8(out);
    text.remove_prefix(out.size());
    out.reserve(out.size() + text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '%' && i + 2 < text.size()) {
            const std::optional<std::uint8_t> high = hex_digit(text[i + 1]);
            const std::optional<std::uint8_t> low = hex_digit(text[i + 2]);
            if (high && low) {
                out += static_cast<char>(*high << 4 | *low);
                i += 2;
                continue;
            }
        }
        out += c == '+' ? ' ' : c;
    }
    return atproto::is_utf8(out) ? out : replace_bad_utf8(out);
}

bool QueryString::take() {
    while (!rest_.empty()) {
        const std::size_t end = std::min(rest_.find('&'), rest_.size());
        const std::string_view pair = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        name_ = decode_form(pair.substr(0, equals));
        value_ = decode_form(pair.substr(std::min(equals + 1, pair.size())));
        return true;
    }
    return false;
}

}  // namespace roost::lexicon
