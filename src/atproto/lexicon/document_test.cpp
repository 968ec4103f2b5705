#include "atproto/lexicon/document.h"

#include <gtest/gtest.h>

#include "atproto/data/json.h"

namespace roost::lexicon {
namespace {

Result<Document> parse(std::string_view definitions) {
    const std::string json =
        R"({"lexicon": 1, "id": "com.example.thing", "defs": )" + std::string(definitions) + "}";
    auto value = atproto::json::parse(json);
    EXPECT_TRUE(value.has_value()) << json;
    return parse_document(*value);
}

std::string refusal(std::string_view definitions) {
    auto document = parse(definitions);
    return document ? "accepted" : document.error().message;
}

const Schema& property(const Document& document, std::string_view name) {
    const auto& schema = std::get<Schema>(document.find("main")->content);
    for (const Property& each : schema.as<ObjectSchema>()->properties) {
        if (each.name == name) return *each.schema;
    }
    throw std::runtime_error("no such property");
}

TEST(Document, KnowsEachKindOfSchema) {
    auto document = parse(R"({"main": {"type": "object", "required": ["a"], "nullable": ["b"],
        "properties": {
        "a": {"type": "string", "format": "did", "minLength": 1, "maxLength": 2, "minGraphemes": 3,
              "maxGraphemes": 4, "knownValues": ["x"], "enum": ["y"], "const": "z",
              "default": "d", "description": "text"},
        "b": {"type": "integer", "minimum": -1, "maximum": 9, "enum": [1, 2], "const": 3,
              "default": 4},
        "c": {"type": "boolean", "const": true, "default": false},
        "d": {"type": "bytes", "minLength": 5, "maxLength": 6},
        "e": {"type": "cid-link"},
        "f": {"type": "blob", "accept": ["image/*"], "maxSize": 7},
        "g": {"type": "array", "items": {"type": "unknown"}, "minLength": 8, "maxLength": 9},
        "h": {"type": "ref", "ref": "#local"},
        "i": {"type": "union", "refs": ["com.example.other", "com.example.other#main", "#x"],
              "closed": true}
        }}})");
    ASSERT_TRUE(document.has_value()) << document.error().message;
    EXPECT_EQ(document->id, "com.example.thing");
    const auto* object = std::get<Schema>(document->definitions[0].content).as<ObjectSchema>();
    EXPECT_EQ(object->type_name, "com.example.thing");
    EXPECT_EQ(object->properties[0].presence, Presence::required);
    EXPECT_EQ(object->properties[1].presence, Presence::optional);
    EXPECT_EQ(object->properties[0].nullability, Nullability::never_null);
    EXPECT_EQ(object->properties[1].nullability, Nullability::nullable);

    const auto* text = property(*document, "a").as<StringSchema>();
    EXPECT_EQ(text->format, StringFormat::did);
    EXPECT_EQ(text->min_bytes, 1U);
    EXPECT_EQ(text->max_bytes, 2U);
    EXPECT_EQ(text->min_graphemes, 3U);
    EXPECT_EQ(text->max_graphemes, 4U);
    EXPECT_EQ(text->known_values, std::vector<std::string>{"x"});
    EXPECT_EQ(text->allowed, std::vector<std::string>{"y"});
    EXPECT_EQ(text->constant, "z");
    EXPECT_EQ(text->fallback, "d");
    const auto* number = property(*document, "b").as<IntegerSchema>();
    EXPECT_EQ(number->minimum, -1);
    EXPECT_EQ(number->maximum, 9);
    EXPECT_EQ(number->allowed, (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(number->constant, 3);
    EXPECT_EQ(number->fallback, 4);
    EXPECT_EQ(property(*document, "c").as<BooleanSchema>()->constant, true);
    EXPECT_EQ(property(*document, "c").as<BooleanSchema>()->fallback, false);
    EXPECT_EQ(property(*document, "d").as<BytesSchema>()->min_bytes, 5U);
    EXPECT_EQ(property(*document, "d").as<BytesSchema>()->max_bytes, 6U);
    EXPECT_NE(property(*document, "e").as<CidLinkSchema>(), nullptr);
    EXPECT_EQ(property(*document, "f").as<BlobSchema>()->accept[0], "image/*");
    EXPECT_EQ(property(*document, "f").as<BlobSchema>()->max_size, 7U);
    const auto* array = property(*document, "g").as<ArraySchema>();
    EXPECT_EQ(array->min_items, 8U);
    EXPECT_EQ(array->max_items, 9U);
    EXPECT_NE(array->items->as<UnknownSchema>(), nullptr);
    EXPECT_EQ(property(*document, "h").as<RefSchema>()->name, "com.example.thing#local");
    const auto* any_of = property(*document, "i").as<UnionSchema>();
    EXPECT_EQ(any_of->openness, Openness::closed);
    ASSERT_EQ(any_of->refs.size(), 3U);
    EXPECT_EQ(any_of->refs[0].name, "com.example.other");
    EXPECT_EQ(any_of->refs[1].name, "com.example.other");
    EXPECT_EQ(any_of->refs[2].name, "com.example.thing#x");
}

TEST(Document, KnowsMethodsRecordsAndTokens) {
    auto document = parse(R"({
        "main": {"type": "procedure",
            "parameters": {"type": "params", "properties": {"p": {"type": "string"}}},
            "input": {"encoding": "*/*"},
            "output": {"encoding": "application/json", "schema": {"type": "object"}},
            "errors": [{"name": "Bad", "description": "text"}, {"name": "Worse"}]},
        "live": {"type": "subscription",
            "message": {"schema": {"type": "union", "refs": ["#r"]}}},
        "r": {"type": "record", "key": "tid", "record": {"type": "object"}},
        "t": {"type": "token"},
        "s": {"type": "permission-set", "title": "x", "permissions": []}})");
    ASSERT_TRUE(document.has_value()) << document.error().message;
    const auto& method = std::get<Method>(document->find("main")->content);
    EXPECT_EQ(method.nsid, "com.example.thing");
    EXPECT_EQ(method.kind, MethodKind::procedure);
    EXPECT_EQ(method.parameters.properties[0].name, "p");
    EXPECT_EQ(method.input->encoding, "*/*");
    EXPECT_FALSE(method.input->schema.has_value());
    EXPECT_NE(method.output->schema->as<ObjectSchema>(), nullptr);
    EXPECT_EQ(method.errors, (std::vector<std::string>{"Bad", "Worse"}));
    const auto& live = std::get<Method>(document->find("live")->content);
    EXPECT_EQ(live.kind, MethodKind::subscription);
    EXPECT_NE(live.message->as<UnionSchema>(), nullptr);
    EXPECT_EQ(std::get<Record>(document->find("r")->content).key, "tid");
    EXPECT_EQ(std::get<Schema>(document->find("t")->content).as<TokenSchema>()->name,
              "com.example.thing#t");
    EXPECT_TRUE(std::holds_alternative<PermissionSet>(document->find("s")->content));
    EXPECT_EQ(document->find("absent"), nullptr);
}

TEST(Document, RefusesWhatTheLanguageDoesNotDefine) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"a": {"type": "sting"}})", "com.example.thing#a/type is not a known type"},
        {R"({"a": {}})", "com.example.thing#a/type is missing"},
        {R"({"a": 3})", "com.example.thing#a is no object"},
        {R"({"a": {"type": "string", "maxLenght": 3}})",
         "com.example.thing#a/maxLenght is not known here"},
        {R"({"a": {"type": "string", "maxLength": "3"}})",
         "com.example.thing#a/maxLength has the wrong type"},
        {R"({"a": {"type": "string", "maxLength": -3}})",
         "com.example.thing#a/maxLength is negative"},
        {R"({"a": {"type": "string", "format": "email"}})",
         "com.example.thing#a/format is not a known format"},
        {R"({"a": {"type": "string", "enum": [1]}})",
         "com.example.thing#a/enum has an item of the wrong type"},
        {R"({"a": {"type": "array"}})", "com.example.thing#a/items/type is missing"},
        {R"({"a": {"type": "object", "required": ["x"]}})",
         "com.example.thing#a/required names no property: x"},
        {R"({"a": {"type": "object", "nullable": ["x"]}})",
         "com.example.thing#a/nullable names no property: x"},
        {R"({"a": {"type": "object", "properties": {"x": 1}}})",
         "com.example.thing#a/properties/x is not an object"},
        {R"({"a": {"type": "ref"}})", "com.example.thing#a/ref is missing"},
        {R"({"a": {"type": "union"}})", "com.example.thing#a/refs is missing"},
        {R"({"a": {"type": "query", "input": {"encoding": "x"}}})",
         "com.example.thing#a/input is not known here"},
        {R"({"a": {"type": "query", "output": {}}})",
         "com.example.thing#a/output/encoding is missing"},
        {R"({"a": {"type": "query", "errors": ["Bad"]}})",
         "com.example.thing#a/errors has an item that is no object"},
        {R"({"a": {"type": "query", "parameters": {"type": "params",
             "properties": {"o": {"type": "object"}}}}})",
         "com.example.thing#a/parameters holds what is no parameter"},
        {R"({"a": {"type": "subscription"}})", "com.example.thing#a/message/schema is missing"},
        {R"({"a": {"type": "record", "key": "tid", "record": {"type": "string"}}})",
         "com.example.thing#a/record is no object"},
        {R"({"a": {"type": "record", "key": "literal:", "record": {"type": "object"}}})",
         "com.example.thing#a/key is not a known kind of record key"},
    };
    for (const auto& [json, message] : cases) {
        EXPECT_EQ(refusal(json), message) << json;
    }
}

TEST(Document, BoundsTheNesting) {
    const auto nested = [](int levels) {
        std::string json = R"({"type": "string"})";
        for (int i = 0; i < levels; ++i)
            json = R"({"type": "array", "items": )" + json + "}";
        return R"({"a": )" + json + "}";
    };
    EXPECT_EQ(refusal(nested(16)), "accepted");
    EXPECT_TRUE(refusal(nested(17)).ends_with("is nested too deep"));
}

TEST(Document, RefusesABadHead) {
    const auto head = [](std::string_view json) {
        auto document = parse_document(*atproto::json::parse(json));
        return document ? "accepted" : document.error().message;
    };
    EXPECT_EQ(head(R"([])"), "A lexicon document is an object");
    EXPECT_EQ(head(R"({"lexicon": 2, "id": "a.b.c", "defs": {}})"),
              "document/lexicon is not version 1");
    EXPECT_EQ(head(R"({"lexicon": 1, "id": "a.b.c"})"), "document/defs is missing");
    EXPECT_EQ(head(R"({"lexicon": 1, "id": "a.b.c", "defs": {}, "x": 1})"),
              "document/x is not known here");
    EXPECT_NE(head(R"({"lexicon": 1, "id": "nonsense", "defs": {}})"), "accepted");
    EXPECT_EQ(head(R"({"lexicon": 1, "revision": 3, "id": "a.b.c", "defs": {}})"), "accepted");
}

}  // namespace
}  // namespace roost::lexicon
