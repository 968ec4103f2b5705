// A lexicon document, parsed: what a method takes and answers, what a record or an object must look
// like. Plain data, immutable once its Catalog has resolved the references; any thread may read.
//
// parse_document() accepts exactly what the language defines and refuses the rest, so that a
// misspelt constraint in one of our documents is an error at build time, not a rule that never
// applies. In documents of others, members that the language does not define are passed over.
// https://atproto.com/specs/lexicon
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "atproto/data/value.h"
#include "base/result.h"

namespace roost::lexicon {

struct Schema;

// What a string holds beyond text. https://atproto.com/specs/lexicon#string-formats
enum class StringFormat : std::uint8_t {
    none,
    at_identifier,
    at_uri,
    cid,
    datetime,
    did,
    handle,
    language,
    nsid,
    record_key,
    tid,
    uri,
};

struct StringSchema {
    StringFormat format = StringFormat::none;
    std::optional<std::uint64_t> min_bytes;  // "minLength": UTF-8 bytes
    std::optional<std::uint64_t> max_bytes;
    std::optional<std::uint64_t> min_graphemes;
    std::optional<std::uint64_t> max_graphemes;
    std::vector<std::string> known_values;  // for readers; other values are allowed
    std::vector<std::string> allowed;       // "enum"; empty: any
    std::optional<std::string> constant;    // "const"
    std::optional<std::string> fallback;    // "default"
};

struct IntegerSchema {
    std::optional<std::int64_t> minimum;
    std::optional<std::int64_t> maximum;
    std::vector<std::int64_t> allowed;
    std::optional<std::int64_t> constant;
    std::optional<std::int64_t> fallback;
};

struct BooleanSchema {
    std::optional<bool> constant;
    std::optional<bool> fallback;
};

struct BytesSchema {
    std::optional<std::uint64_t> min_bytes;
    std::optional<std::uint64_t> max_bytes;
};

struct CidLinkSchema {};

struct BlobSchema {
    std::vector<std::string> accept;  // "image/*", "video/mp4"; empty: any
    std::optional<std::uint64_t> max_size;
};

struct ArraySchema {
    std::unique_ptr<Schema> items;
    std::optional<std::uint64_t> min_items;
    std::optional<std::uint64_t> max_items;
};

enum class Presence : std::uint8_t { required, optional };
enum class Nullability : std::uint8_t { never_null, nullable };

struct Property {
    std::string name;
    Presence presence;
    Nullability nullability;
    std::unique_ptr<Schema> schema;
};

// Also the parameters of a method. Properties stand in the document's order; others are allowed.
struct ObjectSchema {
    std::vector<Property> properties;
    // "nsid#name" if the object is a definition of its own ("nsid" for main), else empty: a $type
    // in the data must then be this one.
    std::string type_name;
};

struct RefSchema {
    std::string name;                // "nsid" or "nsid#name"
    const Schema* target = nullptr;  // set by the Catalog; never itself a reference
};

enum class Openness : std::uint8_t { open, closed };

struct UnionSchema {
    std::vector<RefSchema> refs;
    Openness openness = Openness::open;
};

struct UnknownSchema {};  // any object

struct TokenSchema {
    std::string name;  // the value that means this token: "nsid#name"
};

struct Schema {
    std::variant<StringSchema, IntegerSchema, BooleanSchema, BytesSchema, CidLinkSchema, BlobSchema,
                 ArraySchema, ObjectSchema, RefSchema, UnionSchema, UnknownSchema, TokenSchema>
        kind;

    // The content if the schema is of that kind, else null.
    template <class T>
    const T* as() const {
        return std::get_if<T>(&kind);
    }
};

enum class MethodKind : std::uint8_t { query, procedure, subscription };

struct Body {
    std::string encoding;          // "application/json", "*/*", …
    std::optional<Schema> schema;  // absent: any bytes of that encoding
};

struct Method {
    std::string nsid;
    MethodKind kind;
    ObjectSchema parameters;  // empty if it has none; scalars and arrays of scalars
    std::optional<Body> input;
    std::optional<Body> output;
    std::optional<Schema> message;  // of a subscription
    std::vector<std::string> errors;
};

struct Record {
    std::string key;  // "tid", "nsid", "any", "literal:self"
    Schema schema;    // an object
};

struct PermissionSet {};  // known to exist; its contents mean nothing to this house yet

struct Definition {
    std::string name;
    std::variant<Schema, Method, Record, PermissionSet> content;
};

struct Document {
    std::string id;
    std::vector<Definition> definitions;

    const Definition* find(std::string_view name) const;  // null if absent
};

// What becomes of members that the language does not define.
enum class Extras : std::uint8_t { refused, ignored };

// Errors: Fault::invalid, the message says where in the document and what is wrong.
Result<Document> parse_document(const atproto::Value& json, Extras extras = Extras::refused);

}  // namespace roost::lexicon
