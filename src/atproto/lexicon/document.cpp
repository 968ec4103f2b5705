#include "atproto/lexicon/document.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "atproto/syntax/syntax.h"
#include "base/check.h"

namespace roost::lexicon {
namespace {

using atproto::Array;
using atproto::Object;
using atproto::Value;

constexpr int nesting_max = 16;  // published documents stay below 8

// Reads one JSON object of a document: each member is asked for by name, and finish() refuses the
// members that nobody asked for. The first error sticks.
class Fields {
  public:
    Fields(const Object& object, std::string place, Extras extras)
        : object_(object), place_(std::move(place)), extras_(extras) {
        seen("description");
    }

    // Null if absent.
    template <class T>
    const T* find(std::string_view name) {
        seen(name);
        const Value* value = object_.find(name);
        if (value == nullptr) return nullptr;
        const T* content = value->as<T>();
        if (content == nullptr) fail(name, "has the wrong type");
        return content;
    }
    template <class T>
    std::optional<T> get(std::string_view name) {
        const T* content = find<T>(name);
        return content == nullptr ? std::nullopt : std::optional<T>(*content);
    }
    template <class T>
    T need(std::string_view name) {
        const T* content = find<T>(name);
        if (content == nullptr) fail(name, "is missing");
        return content == nullptr ? T() : *content;
    }
    // Empty if absent.
    const Object& object(std::string_view name) {
        const Object* content = find<Object>(name);
        return content == nullptr ? none_ : *content;
    }
    const Object& need_object(std::string_view name) {
        const Object* content = find<Object>(name);
        if (content == nullptr) fail(name, "is missing");
        return content == nullptr ? none_ : *content;
    }
    std::optional<std::uint64_t> size(std::string_view name) {
        std::optional<std::int64_t> number = get<std::int64_t>(name);
        if (!number) return std::nullopt;
        if (*number < 0) fail(name, "is negative");
        return static_cast<std::uint64_t>(*number);
    }
    template <class T>
    std::vector<T> list(std::string_view name) {
        std::vector<T> out;
        const Array* items = find<Array>(name);
        if (items == nullptr) return out;
        for (const Value& item : *items) {
            const T* content = item.as<T>();
            if (content == nullptr)
                fail(name, "has an item of the wrong type");
            else
                out.push_back(*content);
        }
        return out;
    }

    void seen(std::string_view name) {
        check(seen_count_ < seen_.size(), "there is room for all names that are asked for");
        seen_[seen_count_++] = name;
    }
    std::string place(std::string_view name) const { return place_ + "/" + std::string(name); }
    void fail(std::string_view name, std::string_view what) {
        if (!error_) error_ = Error::invalid(place(name) + " " + std::string(what));
    }
    Result<void> finish() {
        for (const auto& [name, value] : object_) {
            const bool is_seen =
                std::ranges::count(seen_.begin(), seen_.begin() + seen_count_, name) != 0;
            if (!is_seen && extras_ == Extras::refused) fail(name, "is not known here");
        }
        if (error_) return *std::move(error_);
        return {};
    }

  private:
    const Object& object_;
    const Object none_;
    std::string place_;
    Extras extras_;
    std::array<std::string_view, 16> seen_;
    std::size_t seen_count_ = 0;
    std::optional<Error> error_;
};

struct Scope {
    std::string_view nsid;
    Extras extras;
    int depth = 0;

    Scope inner() const { return {nsid, extras, depth + 1}; }
    std::string absolute(std::string_view ref) const {
        std::string name(ref.starts_with('#') ? nsid : "");
        name += ref;
        if (name.ends_with("#main")) name.resize(name.size() - 5);
        return name;
    }
};

Result<Schema> parse_schema(const Object& json, const Scope& scope, const std::string& place);

constexpr std::array<std::pair<std::string_view, StringFormat>, 11> formats{{
    {"at-identifier", StringFormat::at_identifier},
    {"at-uri", StringFormat::at_uri},
    {"cid", StringFormat::cid},
    {"datetime", StringFormat::datetime},
    {"did", StringFormat::did},
    {"handle", StringFormat::handle},
    {"language", StringFormat::language},
    {"nsid", StringFormat::nsid},
    {"record-key", StringFormat::record_key},
    {"tid", StringFormat::tid},
    {"uri", StringFormat::uri},
}};

Result<Schema> parse_string(Fields& json) {
    StringSchema out;
    if (std::optional<std::string> name = json.get<std::string>("format")) {
        auto found = std::ranges::find(formats, std::string_view(*name),
                                       &std::pair<std::string_view, StringFormat>::first);
        if (found == formats.end())
            json.fail("format", "is not a known format");
        else
            out.format = found->second;
    }
    out.min_bytes = json.size("minLength");
    out.max_bytes = json.size("maxLength");
    out.min_graphemes = json.size("minGraphemes");
    out.max_graphemes = json.size("maxGraphemes");
    out.known_values = json.list<std::string>("knownValues");
    out.allowed = json.list<std::string>("enum");
    out.constant = json.get<std::string>("const");
    out.fallback = json.get<std::string>("default");
    return Schema{std::move(out)};
}

Result<Schema> parse_integer(Fields& json) {
    IntegerSchema out;
    out.minimum = json.get<std::int64_t>("minimum");
    out.maximum = json.get<std::int64_t>("maximum");
    out.allowed = json.list<std::int64_t>("enum");
    out.constant = json.get<std::int64_t>("const");
    out.fallback = json.get<std::int64_t>("default");
    return Schema{std::move(out)};
}

Result<Schema> parse_boolean(Fields& json) {
    BooleanSchema out;
    out.constant = json.get<bool>("const");
    out.fallback = json.get<bool>("default");
    return Schema{out};
}

Result<Schema> parse_array(Fields& json, const Scope& scope) {
    ArraySchema out;
    out.min_items = json.size("minLength");
    out.max_items = json.size("maxLength");
    const Object& items = json.need_object("items");
    out.items =
        std::make_unique<Schema>(TRY(parse_schema(items, scope.inner(), json.place("items"))));
    return Schema{std::move(out)};
}

Result<Schema> parse_object(Fields& json, const Scope& scope) {
    ObjectSchema out;
    const std::vector<std::string> required = json.list<std::string>("required");
    const std::vector<std::string> nullable = json.list<std::string>("nullable");
    const Object& properties = json.object("properties");
    for (const auto& [name, value] : properties) {
        const std::string place = json.place("properties/" + name);
        const Object* schema = value.as<Object>();
        if (schema == nullptr) return Error::invalid(place + " is not an object");
        Property property;
        property.name = name;
        property.presence = std::ranges::find(required, name) != required.end()
                                ? Presence::required
                                : Presence::optional;
        property.nullability = std::ranges::find(nullable, name) != nullable.end()
                                   ? Nullability::nullable
                                   : Nullability::never_null;
        property.schema =
            std::make_unique<Schema>(TRY(parse_schema(*schema, scope.inner(), place)));
        out.properties.push_back(std::move(property));
    }
    for (const std::string& name : required) {
        if (properties.find(name) == nullptr) json.fail("required", "names no property: " + name);
    }
    for (const std::string& name : nullable) {
        if (properties.find(name) == nullptr) json.fail("nullable", "names no property: " + name);
    }
    return Schema{std::move(out)};
}

Result<Schema> parse_union(Fields& json, const Scope& scope) {
    UnionSchema out;
    if (json.find<Array>("refs") == nullptr) json.fail("refs", "is missing");
    for (const std::string& ref : json.list<std::string>("refs"))
        out.refs.push_back({scope.absolute(ref)});
    const bool closed = json.get<bool>("closed").value_or(false);
    out.openness = closed ? Openness::closed : Openness::open;
    return Schema{std::move(out)};
}

Result<Schema> parse_kind(const std::string& type, Fields& json, const Scope& scope) {
    if (type == "string") return parse_string(json);
    if (type == "integer") return parse_integer(json);
    if (type == "boolean") return parse_boolean(json);
    if (type == "bytes") {
        BytesSchema out;
        out.min_bytes = json.size("minLength");
        out.max_bytes = json.size("maxLength");
        return Schema{out};
    }
    if (type == "cid-link") return Schema{CidLinkSchema()};
    if (type == "blob") {
        BlobSchema out;
        out.accept = json.list<std::string>("accept");
        out.max_size = json.size("maxSize");
        return Schema{std::move(out)};
    }
    if (type == "array") return parse_array(json, scope);
    if (type == "object" || type == "params") return parse_object(json, scope);
    if (type == "ref") {
        RefSchema out;
        out.name = scope.absolute(json.need<std::string>("ref"));
        return Schema{std::move(out)};
    }
    if (type == "union") return parse_union(json, scope);
    if (type == "unknown") return Schema{UnknownSchema()};
    if (type == "token") return Schema{TokenSchema()};
    json.fail("type", "is not a known type");
    return Schema{UnknownSchema()};
}

Result<Schema> parse_schema(const Object& json, const Scope& scope, const std::string& place) {
    if (scope.depth > nesting_max) return Error::invalid(place + " is nested too deep");
    Fields fields(json, place, scope.extras);
    const std::string type = fields.need<std::string>("type");
    Schema schema = TRY(parse_kind(type, fields, scope));
    TRY(fields.finish());
    return schema;
}

Result<Body> parse_body(const Object& json, const Scope& scope, const std::string& place) {
    Fields fields(json, place, scope.extras);
    Body out;
    out.encoding = fields.need<std::string>("encoding");
    if (const Object* schema = fields.find<Object>("schema"))
        out.schema = TRY(parse_schema(*schema, scope.inner(), fields.place("schema")));
    TRY(fields.finish());
    return out;
}

Result<std::vector<std::string>> parse_errors(const Array& json, const Scope& scope,
                                              const std::string& place) {
    std::vector<std::string> out;
    for (const Value& item : json) {
        const Object* object = item.as<Object>();
        if (object == nullptr) return Error::invalid(place + " has an item that is no object");
        Fields fields(*object, place, scope.extras);
        out.push_back(fields.need<std::string>("name"));
        TRY(fields.finish());
    }
    return out;
}

bool is_scalar(const Schema& schema) {
    return schema.as<StringSchema>() != nullptr || schema.as<IntegerSchema>() != nullptr ||
           schema.as<BooleanSchema>() != nullptr;
}

bool can_be_parameter(const Property& property) {
    const auto* array = property.schema->as<ArraySchema>();
    return is_scalar(array == nullptr ? *property.schema : *array->items);
}

Result<Method> parse_method(MethodKind kind, Fields& json, const Scope& scope) {
    Method out;
    out.nsid = std::string(scope.nsid);
    out.kind = kind;
    if (const Object* parameters = json.find<Object>("parameters")) {
        Schema schema = TRY(parse_schema(*parameters, scope.inner(), json.place("parameters")));
        ObjectSchema* object = std::get_if<ObjectSchema>(&schema.kind);
        if (object == nullptr || !std::ranges::all_of(object->properties, can_be_parameter))
            return Error::invalid(json.place("parameters") + " holds what is no parameter");
        out.parameters = std::move(*object);
    }
    if (kind == MethodKind::procedure) {
        if (const Object* input = json.find<Object>("input"))
            out.input = TRY(parse_body(*input, scope, json.place("input")));
    }
    if (kind == MethodKind::subscription) {
        const Object& message = json.need_object("message");
        Fields fields(message, json.place("message"), scope.extras);
        const Object& schema = fields.need_object("schema");
        TRY(fields.finish());
        out.message = TRY(parse_schema(schema, scope.inner(), json.place("message/schema")));
    } else if (const Object* output = json.find<Object>("output")) {
        out.output = TRY(parse_body(*output, scope, json.place("output")));
    }
    if (const Array* errors = json.find<Array>("errors"))
        out.errors = TRY(parse_errors(*errors, scope, json.place("errors")));
    return out;
}

bool is_key_rule(std::string_view key) {
    constexpr std::string_view literal = "literal:";
    if (key.starts_with(literal))
        return atproto::RecordKey::parse(key.substr(literal.size())).has_value();
    return key == "tid" || key == "nsid" || key == "any";
}

Result<Record> parse_record(Fields& json, const Scope& scope) {
    Record out;
    out.key = json.need<std::string>("key");
    if (!is_key_rule(out.key)) json.fail("key", "is not a known kind of record key");
    const Object& schema = json.need_object("record");
    out.schema = TRY(parse_schema(schema, scope.inner(), json.place("record")));
    ObjectSchema* object = std::get_if<ObjectSchema>(&out.schema.kind);
    if (object == nullptr) return Error::invalid(json.place("record") + " is no object");
    object->type_name = std::string(scope.nsid);
    return out;
}

Result<Definition> parse_definition(const std::string& name, const Object& json,
                                    const Scope& scope) {
    Definition out;
    out.name = name;
    Fields fields(json, std::string(scope.nsid) + "#" + name, scope.extras);
    const std::string type = fields.need<std::string>("type");
    if (type == "query")
        out.content = TRY(parse_method(MethodKind::query, fields, scope));
    else if (type == "procedure")
        out.content = TRY(parse_method(MethodKind::procedure, fields, scope));
    else if (type == "subscription")
        out.content = TRY(parse_method(MethodKind::subscription, fields, scope));
    else if (type == "record")
        out.content = TRY(parse_record(fields, scope));
    else if (type == "permission-set")
        return Definition{name, PermissionSet()};
    else {
        Schema schema = TRY(parse_kind(type, fields, scope));
        const std::string full = scope.absolute("#" + name);
        if (auto* object = std::get_if<ObjectSchema>(&schema.kind)) object->type_name = full;
        if (auto* token = std::get_if<TokenSchema>(&schema.kind)) token->name = full;
        out.content = std::move(schema);
    }
    TRY(fields.finish());
    return out;
}

}  // namespace

const Definition* Document::find(std::string_view name) const {
    auto found = std::ranges::find(definitions, name, &Definition::name);
    return found == definitions.end() ? nullptr : &*found;
}

Result<Document> parse_document(const Value& json, Extras extras) {
    const Object* object = json.as<Object>();
    if (object == nullptr) return Error::invalid("A lexicon document is an object");
    Fields fields(*object, "document", extras);
    if (fields.need<std::int64_t>("lexicon") != 1) fields.fail("lexicon", "is not version 1");
    fields.get<std::int64_t>("revision");
    Document out;
    out.id = TRY(atproto::Nsid::parse(fields.need<std::string>("id")))
    .text();
    const Object& definitions = fields.need_object("defs");
    TRY(fields.finish());
    for (const auto& [name, value] : definitions) {
        const Object* definition = value.as<Object>();
        if (definition == nullptr) return Error::invalid(out.id + "#" + name + " is no object");
        out.definitions.push_back(TRY(parse_definition(name, *definition, {out.id, extras})));
    }
    return out;
}

}  // namespace roost::lexicon
