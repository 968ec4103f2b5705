#include <array>
#include <optional>

#include "atproto/syntax/chars.h"
#include "atproto/syntax/syntax.h"

namespace roost::atproto {

namespace {

using detail::is_alphanumeric;
using detail::is_digit;
using detail::is_letter;

// The grandfathered tags that the grammar does not produce (RFC 5646, section 2.1, "irregular").
constexpr std::array<std::string_view, 17> irregular_tags{
    "en-gb-oed", "i-ami", "i-bnn",     "i-default", "i-enochian", "i-hak",
    "i-klingon", "i-lux", "i-mingo",   "i-navajo",  "i-pwn",      "i-tao",
    "i-tay",     "i-tsu", "sgn-be-fr", "sgn-be-nl", "sgn-ch-de"};

bool all_letters(std::string_view text) {
    return std::ranges::all_of(text, is_letter);
}

bool is_subtag(std::string_view text, std::size_t size_min) {
    return text.size() >= size_min && text.size() <= 8 &&
           std::ranges::all_of(text, is_alphanumeric);
}

bool is_extended_language(std::string_view tag) {
    return tag.size() == 3 && all_letters(tag);
}
bool is_script(std::string_view tag) {
    return tag.size() == 4 && all_letters(tag);
}
bool is_region(std::string_view tag) {
    return (tag.size() == 2 && all_letters(tag)) ||
           (tag.size() == 3 && std::ranges::all_of(tag, is_digit));
}
bool is_variant(std::string_view tag) {
    return is_subtag(tag, 5) || (tag.size() == 4 && is_digit(tag[0]) && is_subtag(tag, 4));
}
bool is_private_use(std::string_view tag) {
    return tag == "x" || tag == "X";
}
bool is_singleton(std::string_view tag) {
    return tag.size() == 1 && is_alphanumeric(tag[0]) && !is_private_use(tag);
}

// The parts of a tag between the hyphens, taken from the front.
class Subtags {
  public:
    explicit Subtags(std::string_view tag) : rest_(tag) {}

    bool is_at_end() const { return !rest_; }
    std::string_view peek() const {
        return rest_ ? rest_->substr(0, rest_->find('-')) : std::string_view();
    }
    void drop() {
        const std::size_t hyphen = rest_->find('-');
        if (hyphen == std::string_view::npos)
            rest_.reset();
        else
            rest_->remove_prefix(hyphen + 1);
    }
    // Drops the next part if there is one of that kind.
    template <class Predicate>
    bool take(Predicate is_kind) {
        if (is_at_end() || !is_kind(peek())) return false;
        drop();
        return true;
    }
    // Drops one part or more of at least the given size.
    bool take_some(std::size_t size_min) {
        auto is_kind = [size_min](std::string_view tag) { return is_subtag(tag, size_min); };
        if (!take(is_kind)) return false;
        while (take(is_kind)) {
        }
        return true;
    }

  private:
    std::optional<std::string_view> rest_;
};

}  // namespace

// Well-formed, not "valid": https://www.rfc-editor.org/rfc/rfc5646#section-2.1
bool is_language(std::string_view text) {
    if (std::ranges::find(irregular_tags, detail::lower_cased(text)) != irregular_tags.end())
        return true;
    Subtags tags(text);
    const std::string_view primary = tags.peek();
    if (!is_private_use(primary)) {
        if (primary.size() < 2 || primary.size() > 8 || !all_letters(primary)) return false;
        tags.drop();
        if (primary.size() <= 3)
            for (int i = 0; i < 3 && tags.take(is_extended_language); ++i) {
            }
        tags.take(is_script);
        tags.take(is_region);
        while (tags.take(is_variant)) {
        }
        while (tags.take(is_singleton))
            if (!tags.take_some(2)) return false;
    }
    if (tags.take(is_private_use) && !tags.take_some(1)) return false;
    return tags.is_at_end();
}

}  // namespace roost::atproto
