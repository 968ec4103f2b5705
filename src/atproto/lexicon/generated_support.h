// What the headers generated from the lexicon documents are made of: the types that stand for "this
// method has none", and the templates that read members from a validated object and write them as
// JSON. Only generated code and the corridor that calls methods include this directly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "atproto/data/json.h"
#include "atproto/data/value.h"
#include "atproto/syntax/syntax.h"
#include "base/check.h"

namespace roost::lexicon {

enum class Kind : std::uint8_t { query, procedure, subscription };

struct NoParams {
    static NoParams from(const atproto::Object&) { return {}; }
};
// Also of a method whose input is not JSON: the bytes reach the handler by another way.
struct NoInput {
    static NoInput from(const atproto::Object&) { return {}; }
};
// Also of a method whose output is not JSON.
struct NoOutput {
    void write(std::string&) const {}
};

// The machine-readable name of an error that a method's document declares.
class ErrorName {
  public:
    constexpr explicit ErrorName(std::string_view text) : text_(text) {}
    constexpr std::string_view text() const { return text_; }
    friend constexpr bool operator==(ErrorName, ErrorName) = default;

  private:
    std::string_view text_;
};

// One lexicon document as minified JSON, without its descriptions.
struct EmbeddedDocument {
    std::string_view nsid;
    std::string_view json;
};

namespace generated {

template <class T>
struct Wrapped : std::false_type {};
template <class T>
struct Wrapped<std::optional<T>> : std::true_type {
    using Inner = T;
};
template <class T>
struct Listed : std::false_type {};
template <class T>
struct Listed<std::vector<T>> : std::true_type {
    using Inner = T;
};

template <class T>
const T& content(const atproto::Value& value) {
    const T* content = value.as<T>();
    check(content != nullptr, "validated data has the type that its lexicon says");
    return *content;
}

template <class T>
concept Identifier = std::derived_from<T, atproto::detail::Identifier<T>>;

// A validated value as the type that the generator chose for it. Cannot fail, unless a caller
// skipped the validator or the validator and the parsers disagree: both are bugs of ours.
template <class T>
T read(const atproto::Value& value) {
    if constexpr (std::is_same_v<T, atproto::Value>) {
        return value;
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::int64_t> ||
                         std::is_same_v<T, bool> || std::is_same_v<T, atproto::Cid> ||
                         std::is_same_v<T, Bytes>) {
        // std::vector<std::uint8_t> is bytes, never an array.
        return content<T>(value);
    } else if constexpr (Wrapped<T>::value) {
        if (value.is_null()) return std::nullopt;
        return read<typename Wrapped<T>::Inner>(value);
    } else if constexpr (Listed<T>::value) {
        T out;
        const auto& items = content<atproto::Array>(value);
        out.reserve(items.size());
        for (const atproto::Value& item : items)
            out.push_back(read<typename Listed<T>::Inner>(item));
        return out;
    } else if constexpr (Identifier<T>) {
        Result<T> parsed = T::parse(content<std::string>(value));
        check(parsed.has_value(), "validated data has the format that its lexicon says");
        return *std::move(parsed);
    } else {
        return T::from(content<atproto::Object>(value));
    }
}

template <class T>
T read_required(const atproto::Object& object, std::string_view name) {
    const atproto::Value* value = object.find(name);
    check(value != nullptr, "validated data has the properties that its lexicon requires");
    return read<T>(*value);
}

template <class T>
std::optional<T> read_optional(const atproto::Object& object, std::string_view name) {
    const atproto::Value* value = object.find(name);
    if (value == nullptr) return std::nullopt;
    return read<T>(*value);
}

template <class T>
void write_json(std::string& json, const T& value) {
    if constexpr (std::is_same_v<T, atproto::Value>) {
        atproto::json::write_to(json, value);
    } else if constexpr (std::is_same_v<T, std::string>) {
        atproto::json::append_string(json, value);
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        atproto::json::append_int(json, value);
    } else if constexpr (std::is_same_v<T, bool>) {
        json += value ? "true" : "false";
    } else if constexpr (std::is_same_v<T, atproto::Cid> || std::is_same_v<T, Bytes>) {
        atproto::json::write_to(json, atproto::Value(value));
    } else if constexpr (Wrapped<T>::value) {
        if (value)
            write_json(json, *value);
        else
            json += "null";
    } else if constexpr (Listed<T>::value) {
        json += '[';
        bool first = true;
        for (const auto& item : value) {
            if (!first) json += ',';
            first = false;
            write_json<typename Listed<T>::Inner>(json, item);
        }
        json += ']';
    } else if constexpr (Identifier<T>) {
        atproto::json::append_string(json, value.text());
    } else {
        value.write(json);
    }
}

// Writes the members of one JSON object in the order of the calls. `quoted` is the name as JSON
// with its colon: "\"did\":".
class Members {
  public:
    explicit Members(std::string& json) : json_(json) {}

    template <class T>
    void put(std::string_view quoted, const T& value) {
        json_ += empty_ ? '{' : ',';
        empty_ = false;
        json_ += quoted;
        write_json(json_, value);
    }
    template <class T>
    void put_if_there(std::string_view quoted, const std::optional<T>& value) {
        if (value) put(quoted, *value);
    }
    void finish() { json_ += empty_ ? "{}" : "}"; }

  private:
    std::string& json_;
    bool empty_ = true;
};

}  // namespace generated
}  // namespace roost::lexicon
