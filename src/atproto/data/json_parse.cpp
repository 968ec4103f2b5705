#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "atproto/data/json.h"
#include "base/encoding.h"

namespace roost::atproto::json {

namespace {

namespace dom = simdjson::dom;

// Every integer up to here is exact in a double.
constexpr double exact_double_max = 9007199254740992.0;  // 2^53

// Up to so many keys, comparing each with each is cheaper than sorting them.
constexpr std::size_t few_keys = 16;

std::string_view reason(simdjson::error_code code) {
    switch (code) {
        case simdjson::EMPTY:
            return "empty";
        case simdjson::DEPTH_ERROR:
            return "nested too deeply";
        case simdjson::UTF8_ERROR:
            return "not UTF-8";
        case simdjson::NUMBER_ERROR:
            return "a number is malformed or beyond 64 bits";
        case simdjson::STRING_ERROR:
            return "a string has an invalid escape";
        case simdjson::UNESCAPED_CHARS:
            return "a string has an unescaped control character";
        case simdjson::UNCLOSED_STRING:
            return "a string does not end";
        case simdjson::CAPACITY:
            return "too large";
        default:
            return "malformed";
    }
}

// The text within the bound for quotes, cut between characters.
std::string_view shortened(std::string_view key) {
    if (key.size() <= quoted_key_max) return key;
    std::size_t size = quoted_key_max;
    while (size > 0 && (static_cast<unsigned char>(key[size]) & 0xc0) == 0x80)
        --size;
    return key.substr(0, size);
}

// Turns a parsed document into a Value. Every function that returns bool is false when the data
// model refuses the document; on the way out each level adds itself to the place of the error.
// The recursion is as deep as the document, which the parser has bounded.
class Converter {
  public:
    bool convert(Value& value, dom::element element);
    Error error() const {
        std::string message = "Invalid JSON";
        if (!place_.empty()) message += " at " + place_;
        return Error::invalid(message + ": " + why_);
    }

  private:
    bool refuse(std::string why) {
        why_ = std::move(why);
        return false;
    }
    bool within(std::string_view step) {
        const bool needs_dot = !place_.empty() && place_[0] != '[';
        place_ = std::string(step) + (needs_dot ? "." : "") + place_;
        return false;
    }
    bool convert_double(Value& value, double number);
    bool convert_array(Value& value, dom::array array);
    bool convert_object(Value& value, dom::object object);
    bool convert_link(Value& value, dom::object object);
    bool convert_bytes(Value& value, dom::object object);
    std::optional<std::string_view> only_text(dom::object object, std::string_view key);
    bool has_unique_keys(const Object& object);

    std::string why_;
    std::string place_;
};

bool Converter::convert(Value& value, dom::element element) {
    switch (element.type()) {
        case dom::element_type::NULL_VALUE:
            value.variant().emplace<std::nullptr_t>();
            return true;
        case dom::element_type::BOOL:
            value.variant().emplace<bool>(element.get_bool().value_unsafe());
            return true;
        case dom::element_type::INT64:
            value.variant().emplace<std::int64_t>(element.get_int64().value_unsafe());
            return true;
        case dom::element_type::UINT64:
            return refuse("an integer beyond 64 bits");
        case dom::element_type::DOUBLE:
            return convert_double(value, element.get_double().value_unsafe());
        case dom::element_type::STRING:
            value.variant().emplace<std::string>(element.get_string().value_unsafe());
            return true;
        case dom::element_type::ARRAY:
            return convert_array(value, element.get_array().value_unsafe());
        case dom::element_type::OBJECT:
            return convert_object(value, element.get_object().value_unsafe());
    }
    return refuse("malformed");
}

bool Converter::convert_double(Value& value, double number) {
    if (std::trunc(number) != number) return refuse("numbers with a fraction are not allowed");
    if (std::abs(number) > exact_double_max)
        return refuse("a number beyond 2^53 in float notation");
    value.variant().emplace<std::int64_t>(static_cast<std::int64_t>(number));
    return true;
}

bool Converter::convert_array(Value& value, dom::array array) {
    auto& items = value.variant().emplace<Array>();
    items.reserve(array.size());
    for (dom::element element : array)
        if (!convert(items.emplace_back(), element))
            return within("[" + std::to_string(items.size() - 1) + "]");
    return true;
}

bool Converter::convert_object(Value& value, dom::object object) {
    auto& members = value.variant().emplace<Object>();
    members.reserve(object.size());
    for (auto [key, element] : object) {
        if (key.starts_with('$')) {
            if (key == "$link") return convert_link(value, object);
            if (key == "$bytes") return convert_bytes(value, object);
        }
        if (!convert(members.append_unique(std::string(key), Value()), element))
            return within(shortened(key));
    }
    return has_unique_keys(members);
}

// The text of an object that has this one key and a text as its value.
std::optional<std::string_view> Converter::only_text(dom::object object, std::string_view key) {
    if (object.size() != 1) {
        refuse("an object with \"" + std::string(key) + "\" has other keys");
        return std::nullopt;
    }
    std::string_view text;
    if ((*object.begin()).value.get_string().get(text) != simdjson::SUCCESS) {
        refuse("\"" + std::string(key) + "\" is not a string");
        return std::nullopt;
    }
    return text;
}

bool Converter::convert_link(Value& value, dom::object object) {
    auto text = only_text(object, "$link");
    if (!text) return false;
    auto cid = Cid::parse(*text);
    if (!cid) return refuse("\"$link\": " + cid.error().message);
    value.variant().emplace<Cid>(*cid);
    return true;
}

bool Converter::convert_bytes(Value& value, dom::object object) {
    auto text = only_text(object, "$bytes");
    if (!text) return false;
    auto bytes = base64_decode(*text);
    if (!bytes) return refuse("\"$bytes\" is not base64");
    value.variant().emplace<Bytes>(std::move(*bytes));
    return true;
}

bool Converter::has_unique_keys(const Object& object) {
    auto twice = [this](std::string_view key) {
        return refuse("duplicate key \"" + std::string(shortened(key)) + "\"");
    };
    if (object.size() <= few_keys) {
        for (const auto& member : object)
            for (const auto* other = object.begin(); other != &member; ++other)
                if (member.first == other->first) return twice(member.first);
        return true;
    }
    std::vector<std::string_view> keys;
    keys.reserve(object.size());
    for (const auto& [key, value] : object)
        keys.push_back(key);
    std::ranges::sort(keys);
    auto repeated = std::ranges::adjacent_find(keys);
    return repeated == keys.end() || twice(*repeated);
}

// The parser of this thread, with its memory from earlier parses.
class ThreadParser {
  public:
    dom::parser& get() {
        if (!parser_) {
            parser_.emplace();
            // One more than the depth: the parser counts the document itself.
            if (parser_->allocate(initial_capacity, max_depth) != simdjson::SUCCESS)
                throw std::bad_alloc();
        }
        return *parser_;
    }
    void drop() { parser_.reset(); }

  private:
    static constexpr std::size_t initial_capacity = 16 * 1024;
    std::optional<dom::parser> parser_;
};

}  // namespace

Result<Value> parse(std::string_view text) {
    if (text.empty()) return Error::invalid("Invalid JSON: empty");
    static thread_local ThreadParser parser;
    dom::element document;
    const auto code = parser.get().parse(text.data(), text.size()).get(document);
    if (code == simdjson::MEMALLOC) throw std::bad_alloc();
    Value value;
    Converter converter;
    const bool accepted = code == simdjson::SUCCESS && converter.convert(value, document);
    if (text.size() > json_parser_kept_max) parser.drop();
    if (code != simdjson::SUCCESS)
        return Error::invalid("Invalid JSON: " + std::string(reason(code)));
    if (!accepted) return converter.error();
    return value;
}

}  // namespace roost::atproto::json
