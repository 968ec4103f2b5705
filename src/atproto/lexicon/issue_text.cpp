// The wording of refusals: see check_schema.h.
#include <algorithm>

#include "atproto/data/json.h"
#include "atproto/lexicon/check_schema.h"

namespace roost::lexicon {
namespace {

using atproto::Array;
using atproto::Object;
using atproto::Value;

constexpr std::size_t preview_units_max = 256;  // of UTF-16, as the reference cuts
constexpr int preview_items_max = 2;
constexpr int preview_depth_max = 4;  // arrays in arrays; deeper is shown as "[...]"

void append_quoted(std::string& out, std::string_view text) {
    // Units of UTF-16: one a character, two for those outside the basic plane.
    std::size_t units = 0;
    std::size_t keep = text.size();
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        if ((byte & 0xC0U) == 0x80) continue;
        const std::size_t more = byte >= 0xF0 ? 2 : 1;
        if (units + more > preview_units_max - 1 && keep == text.size()) keep = i;
        units += more;
    }
    if (units < preview_units_max) keep = text.size();
    std::string shown(text.substr(0, keep));
    if (keep < text.size()) shown += "…";
    atproto::json::append_string(out, shown);
}

void append_preview(std::string& out, const Value& value, int depth);

void append_array(std::string& out, const Array& array, int depth) {
    out += '[';
    int shown = 0;
    for (const Value& item : array) {
        if (shown > 0) out += ", ";
        if (shown++ == preview_items_max || depth == preview_depth_max) {
            out += "...";
            break;
        }
        append_preview(out, item, depth + 1);
    }
    out += ']';
}

void append_object(std::string& out, const Object& object) {
    out += '{';
    int shown = 0;
    for (const auto& [name, member] : object) {
        if (shown > 0) out += ", ";
        if (shown++ == preview_items_max) {
            out += "...";
            break;
        }
        append_quoted(out, name);
        out += ": ...";
    }
    out += '}';
}

void append_preview(std::string& out, const Value& value, int depth) {
    if (value.is_null()) {
        out += "null";
    } else if (const bool* flag = value.as<bool>()) {
        out += *flag ? "true" : "false";
    } else if (const auto* number = value.as<std::int64_t>()) {
        out += std::to_string(*number);
    } else if (const auto* text = value.as<std::string>()) {
        append_quoted(out, *text);
    } else if (const auto* array = value.as<Array>()) {
        append_array(out, *array, depth);
    } else if (const auto* object = value.as<Object>()) {
        append_object(out, *object);
    } else if (value.as<atproto::Cid>() != nullptr) {
        out += "cid";
    } else {
        out += "object";  // bytes
    }
}

std::string one_of(const std::vector<Value>& values) {
    std::string out;
    if (values.size() > 1) out += "one of ";
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) out += i + 1 == values.size() ? " or " : ", ";
        append_preview(out, values[i], 0);
    }
    return out;
}

bool is_plain_name(std::string_view name) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto is_word = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
    return !name.empty() && (is_letter(name[0]) || name[0] == '$') &&
           std::ranges::all_of(name.substr(1), is_word);
}

}  // namespace

std::string preview(const Value& value) {
    std::string out;
    append_preview(out, value, 0);
    return out;
}

std::string wrong_type(std::string_view expected, const Value& got) {
    return "Expected " + std::string(expected) + " value type (got " + preview(got) + ")";
}

std::string wrong_value(const std::vector<Value>& expected, const Value& got) {
    return "Expected " + one_of(expected) + " (got " + preview(got) + ")";
}

std::string text_of(const Place* place) {
    if (place == nullptr) return "$";
    std::string out = text_of(place->parent);
    if (place->kind == Place::Kind::item) {
        out += "[" + std::to_string(place->index) + "]";
    } else if (is_plain_name(place->name)) {
        out += "." + std::string(place->name);
    } else {
        out += "[";
        atproto::json::append_string(out, place->name);
        out += "]";
    }
    return out;
}

}  // namespace roost::lexicon
