#include "atproto/lexicon/check_schema.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "atproto/data/blob_ref.h"
#include "atproto/lexicon/graphemes.h"
#include "atproto/syntax/syntax.h"
#include "base/check.h"

namespace roost::lexicon {
namespace {

using atproto::Array;
using atproto::Cid;
using atproto::Object;
using atproto::Value;

// Integers that every JSON reader represents exactly.
// https://atproto.com/specs/data-model#data-types
constexpr std::int64_t integer_max = (std::int64_t{1} << 53) - 1;

// Some 50 ms. A record of a million bytes takes a tenth of it with published schemas.
constexpr std::size_t comparisons_max = 10'000'000;

constexpr std::string_view typed_object = "an object which includes the \"$type\" property";

std::string_view format_name(StringFormat format) {
    switch (format) {
        case StringFormat::none:
            return "string";
        case StringFormat::at_identifier:
            return "AT identifier";
        case StringFormat::at_uri:
            return "at-uri";
        case StringFormat::cid:
            return "CID string";
        case StringFormat::datetime:
            return "datetime";
        case StringFormat::did:
            return "DID";
        case StringFormat::handle:
            return "handle";
        case StringFormat::language:
            return "language";
        case StringFormat::nsid:
            return "NSID";
        case StringFormat::record_key:
            return "record key";
        case StringFormat::tid:
            return "TID string";
        case StringFormat::uri:
            return "uri";
    }
    return "string";
}

template <class T>
std::vector<Value> as_values(const std::vector<T>& list) {
    return {list.begin(), list.end()};
}

bool is_accepted(std::string_view mime, const std::vector<std::string>& accept) {
    return std::ranges::any_of(accept, [mime](std::string_view pattern) {
        if (pattern == "*/*" || pattern == mime) return true;
        return pattern.ends_with("/*") && mime.starts_with(pattern.substr(0, pattern.size() - 1));
    });
}

}  // namespace

bool is_format(StringFormat format, std::string_view text) {
    switch (format) {
        case StringFormat::none:
            return true;
        case StringFormat::at_identifier:
            return atproto::is_at_identifier(text);
        case StringFormat::at_uri:
            return atproto::AtUri::parse(text).has_value();
        case StringFormat::cid:
            return Cid::is_cid_syntax(text);
        case StringFormat::datetime:
            return atproto::is_datetime(text);
        case StringFormat::did:
            return atproto::Did::parse(text).has_value();
        case StringFormat::handle:
            return atproto::Handle::parse(text).has_value();
        case StringFormat::language:
            return atproto::is_language(text);
        case StringFormat::nsid:
            return atproto::Nsid::parse(text).has_value();
        case StringFormat::record_key:
            return atproto::RecordKey::parse(text).has_value();
        case StringFormat::tid:
            return atproto::Tid::parse(text).has_value();
        case StringFormat::uri:
            return atproto::is_uri(text);
    }
    return false;
}

std::string wrong_format(StringFormat format, const Value& got) {
    return "Invalid " + std::string(format_name(format)) + " (got " + preview(got) + ")";
}

bool has_fallback(const Schema& schema) {
    if (const auto* text = schema.as<StringSchema>()) return text->fallback.has_value();
    if (const auto* number = schema.as<IntegerSchema>()) return number->fallback.has_value();
    if (const auto* flag = schema.as<BooleanSchema>()) return flag->fallback.has_value();
    return false;
}

Value fallback_of(const Schema& schema) {
    check(has_fallback(schema), "the schema has a default");
    if (const auto* text = schema.as<StringSchema>()) return Value(*text->fallback);
    if (const auto* number = schema.as<IntegerSchema>()) return Value(*number->fallback);
    return Value(*schema.as<BooleanSchema>()->fallback);
}

bool SchemaCheck::spend(std::size_t comparisons, const Place* at) {
    spent_ += comparisons;
    return spent_ <= comparisons_max || refuse("Takes too long to check", at);
}

bool SchemaCheck::refuse(std::string message, const Place* at) {
    issue_ = {std::move(message), text_of(at)};
    return false;
}

bool SchemaCheck::refuse_type(std::string_view expected, const Value& got, const Place* at) {
    return refuse(wrong_type(expected, got), at);
}

bool SchemaCheck::refuse_size(std::string_view what, std::string_view verdict, std::int64_t limit,
                              std::int64_t got, const Place* at) {
    const std::string_view bound = verdict == "big" ? "maximum" : "minimum";
    return refuse(std::string(what) + " too " + std::string(verdict) + " (" + std::string(bound) +
                      " " + std::to_string(limit) + ", got " + std::to_string(got) + ")",
                  at);
}

bool SchemaCheck::obeys(const Value& value, const Schema& schema, const Place* at) {
    if (!spend(1, at)) return false;
    return std::visit([&](const auto& kind) { return obeys_kind(value, kind, at); }, schema.kind);
}

bool SchemaCheck::obeys_kind(const Value& value, const StringSchema& schema, const Place* at) {
    const std::string* text = value.as<std::string>();
    if (!spend(schema.allowed.size(), at)) return false;
    if (schema.constant && (text == nullptr || *text != *schema.constant))
        return refuse(wrong_value({*schema.constant}, value), at);
    if (!schema.allowed.empty() &&
        (text == nullptr || std::ranges::find(schema.allowed, *text) == schema.allowed.end()))
        return refuse(wrong_value(as_values(schema.allowed), value), at);
    if (text == nullptr) return refuse_type("string", value, at);
    const auto size = static_cast<std::int64_t>(text->size());
    if (schema.min_bytes && text->size() < *schema.min_bytes)
        return refuse_size("string", "small", static_cast<std::int64_t>(*schema.min_bytes), size,
                           at);
    if (schema.max_bytes && text->size() > *schema.max_bytes)
        return refuse_size("string", "big", static_cast<std::int64_t>(*schema.max_bytes), size, at);
    if (!fits_graphemes(*text, schema, at)) return false;
    return is_format(schema.format, *text) || refuse(wrong_format(schema.format, value), at);
}

bool SchemaCheck::fits_graphemes(const std::string& text, const StringSchema& schema,
                                 const Place* at) {
    // There are never more graphemes than bytes, so most texts need no counting.
    const bool may_exceed = schema.max_graphemes && text.size() > *schema.max_graphemes;
    if (!may_exceed && !schema.min_graphemes) return true;
    const std::size_t count = count_graphemes(text);
    if (schema.min_graphemes && count < *schema.min_graphemes)
        return refuse_size("grapheme", "small", static_cast<std::int64_t>(*schema.min_graphemes),
                           static_cast<std::int64_t>(count), at);
    if (may_exceed && count > *schema.max_graphemes)
        return refuse_size("grapheme", "big", static_cast<std::int64_t>(*schema.max_graphemes),
                           static_cast<std::int64_t>(count), at);
    return true;
}

bool SchemaCheck::obeys_kind(const Value& value, const IntegerSchema& schema, const Place* at) {
    const std::int64_t* number = value.as<std::int64_t>();
    if (!spend(schema.allowed.size(), at)) return false;
    if (schema.constant && (number == nullptr || *number != *schema.constant))
        return refuse(wrong_value({*schema.constant}, value), at);
    if (!schema.allowed.empty() &&
        (number == nullptr || std::ranges::find(schema.allowed, *number) == schema.allowed.end()))
        return refuse(wrong_value(as_values(schema.allowed), value), at);
    if (number == nullptr || *number > integer_max || *number < -integer_max)
        return refuse_type("integer", value, at);
    if (schema.minimum && *number < *schema.minimum)
        return refuse_size("integer", "small", *schema.minimum, *number, at);
    if (schema.maximum && *number > *schema.maximum)
        return refuse_size("integer", "big", *schema.maximum, *number, at);
    return true;
}

bool SchemaCheck::obeys_kind(const Value& value, const BooleanSchema& schema, const Place* at) {
    const bool* flag = value.as<bool>();
    if (schema.constant && (flag == nullptr || *flag != *schema.constant))
        return refuse(wrong_value({*schema.constant}, value), at);
    if (flag == nullptr) return refuse_type("boolean", value, at);
    return true;
}

bool SchemaCheck::obeys_kind(const Value& value, const BytesSchema& schema, const Place* at) {
    const Bytes* bytes = value.as<Bytes>();
    if (bytes == nullptr) return refuse_type("bytes", value, at);
    const auto size = static_cast<std::int64_t>(bytes->size());
    if (schema.min_bytes && bytes->size() < *schema.min_bytes)
        return refuse_size("bytes", "small", static_cast<std::int64_t>(*schema.min_bytes), size,
                           at);
    if (schema.max_bytes && bytes->size() > *schema.max_bytes)
        return refuse_size("bytes", "big", static_cast<std::int64_t>(*schema.max_bytes), size, at);
    return true;
}

bool SchemaCheck::obeys_kind(const Value& value, const CidLinkSchema&, const Place* at) {
    return value.as<Cid>() != nullptr || refuse_type("cid", value, at);
}

bool SchemaCheck::obeys_kind(const Value& value, const BlobSchema& schema, const Place* at) {
    std::optional<atproto::BlobRef> blob = atproto::typed_blob_ref(value);
    if (!blob && legacy_blobs_ == LegacyBlobs::accept) blob = atproto::legacy_blob_ref(value);
    if (!blob) return refuse_type("blob", value, at);
    if (!spend(schema.accept.size(), at)) return false;
    if (!schema.accept.empty() && !is_accepted(blob->mime_type, schema.accept)) {
        const Place mime = Place::member(at, "mimeType");
        return refuse(wrong_value(as_values(schema.accept), Value(blob->mime_type)), &mime);
    }
    if (schema.max_size && blob->size && static_cast<std::uint64_t>(*blob->size) > *schema.max_size)
        return refuse_size("blob", "big", static_cast<std::int64_t>(*schema.max_size), *blob->size,
                           at);
    return true;
}

bool SchemaCheck::obeys_kind(const Value& value, const ArraySchema& schema, const Place* at) {
    const Array* array = value.as<Array>();
    if (array == nullptr) return refuse_type("array", value, at);
    const auto size = static_cast<std::int64_t>(array->size());
    if (schema.min_items && array->size() < *schema.min_items)
        return refuse_size("array", "small", static_cast<std::int64_t>(*schema.min_items), size,
                           at);
    if (schema.max_items && array->size() > *schema.max_items)
        return refuse_size("array", "big", static_cast<std::int64_t>(*schema.max_items), size, at);
    for (std::size_t i = 0; i < array->size(); ++i) {
        const Place item = Place::item(at, i);
        if (!obeys((*array)[i], *schema.items, &item)) return false;
    }
    return true;
}

bool SchemaCheck::obeys_kind(const Value& value, const ObjectSchema& schema, const Place* at) {
    const Object* object = value.as<Object>();
    if (object == nullptr) return refuse_type("object", value, at);
    return obeys(*object, schema, at);
}

bool SchemaCheck::obeys(const Object& object, const ObjectSchema& schema, const Place* at) {
    if (!schema.type_name.empty()) {
        const Value* type = object.find("$type");
        const std::string* text = type == nullptr ? nullptr : type->as<std::string>();
        if (type != nullptr && (text == nullptr || *text != schema.type_name)) {
            const Place place = Place::member(at, "$type");
            return refuse(wrong_value({schema.type_name}, *type), &place);
        }
    }
    if (!spend(schema.properties.size() * (object.size() + 1), at)) return false;
    for (const Property& property : schema.properties) {
        const Value* member = object.find(property.name);
        if (member == nullptr) {
            if (defaults_ == Defaults::supply && has_fallback(*property.schema))
                misses_defaults_ = true;
            else if (property.presence == Presence::required)
                return refuse("Missing required key \"" + property.name + "\"", at);
            continue;
        }
        if (member->is_null() && property.nullability == Nullability::nullable) continue;
        const Place place = Place::member(at, property.name);
        if (!obeys(*member, *property.schema, &place)) return false;
    }
    return true;
}

bool SchemaCheck::obeys_kind(const Value& value, const RefSchema& schema, const Place* at) {
    return obeys(value, *schema.target, at);
}

bool SchemaCheck::obeys_kind(const Value& value, const UnionSchema& schema, const Place* at) {
    const Object* object = value.as<Object>();
    const Value* type = object == nullptr ? nullptr : object->find("$type");
    if (type == nullptr) return refuse_type(typed_object, value, at);
    const Place place = Place::member(at, "$type");
    const std::string* name = type->as<std::string>();
    if (!spend(schema.refs.size(), at)) return false;
    if (name != nullptr) {
        auto found = std::ranges::find(schema.refs, *name, &RefSchema::name);
        if (found != schema.refs.end()) return obeys(value, *found->target, at);
    }
    if (schema.openness == Openness::closed) {
        std::vector<Value> names;
        for (const RefSchema& ref : schema.refs)
            names.emplace_back(ref.name);
        return refuse(wrong_value(names, *type), &place);
    }
    return name != nullptr || refuse_type("string", *type, &place);
}

bool SchemaCheck::obeys_kind(const Value& value, const UnknownSchema&, const Place* at) {
    return value.as<Object>() != nullptr || refuse_type("object", value, at);
}

bool SchemaCheck::obeys_kind(const Value& value, const TokenSchema& schema, const Place* at) {
    const std::string* text = value.as<std::string>();
    if (text == nullptr) return refuse_type("token", value, at);
    return *text == schema.name || refuse(wrong_value({schema.name}, value), at);
}

}  // namespace roost::lexicon
