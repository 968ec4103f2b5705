#include "atproto/lexicon/validate.h"

#include <gtest/gtest.h>

#include "atproto/lexicon/test_catalog.h"

namespace roost::lexicon {
namespace {

using atproto::Value;

constexpr const char* link =
    R"({"$link": "bafkreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454"})";
constexpr const char* cbor_link =
    R"({"$link": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"})";

std::string said(const Result<void>& result) {
    return result ? "ok" : result.error().message;
}

// What is said of {"x": value} when x has the schema, and #object, #token and #text exist.
std::string verdict(const std::string& schema, const std::string& value,
                    const std::string& rules = "") {
    const Catalog catalog = catalog_of({R"({"lexicon": 1, "id": "a.b.c", "defs": {
        "object": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
        "other": {"type": "object"},
        "token": {"type": "token"},
        "text": {"type": "string"},
        "alias": {"type": "ref", "ref": "#object"},
        "main": {"type": "object", )" + rules +
                                        R"("properties": {"x": )" + schema + "}}}}"});
    return said(validate(*catalog.schema("a.b.c"), json_value(R"({"x": )" + value + "}")));
}

TEST(Validate, Strings) {
    EXPECT_EQ(verdict(R"({"type": "string"})", R"("a")"), "ok");
    EXPECT_EQ(verdict(R"({"type": "string"})", R"("")"), "ok");
    EXPECT_EQ(verdict(R"({"type": "string"})", "3"), "Expected string value type (got 3) at $.x");
    EXPECT_EQ(verdict(R"({"type": "string"})", link),
              "Expected string value type (got cid) at $.x");
    EXPECT_EQ(verdict(R"({"type": "string", "minLength": 2})", R"("é")"), "ok");
    EXPECT_EQ(verdict(R"({"type": "string", "minLength": 3})", R"("é")"),
              "string too small (minimum 3, got 2) at $.x");
    EXPECT_EQ(verdict(R"({"type": "string", "maxLength": 4})", R"("éé")"), "ok");
    EXPECT_EQ(verdict(R"({"type": "string", "maxLength": 3})", R"("éé")"),
              "string too big (maximum 3, got 4) at $.x");
    EXPECT_EQ(verdict(R"({"type": "string", "minGraphemes": 2})", R"("e\u0301")"),
              "grapheme too small (minimum 2, got 1) at $.x");
    EXPECT_EQ(verdict(R"({"type": "string", "minGraphemes": 1})", R"("e\u0301")"), "ok");
    EXPECT_EQ(verdict(R"({"type": "string", "maxGraphemes": 1})", R"("e\u0301")"), "ok");
    EXPECT_EQ(verdict(R"({"type": "string", "maxGraphemes": 1})", R"("ee")"),
              "grapheme too big (maximum 1, got 2) at $.x");
    EXPECT_EQ(verdict(R"({"type": "string", "knownValues": ["a"]})", R"("b")"), "ok");
}

TEST(Validate, EnumAndConst) {
    EXPECT_EQ(verdict(R"({"type": "string", "enum": ["a", "b"]})", R"("b")"), "ok");
    EXPECT_EQ(verdict(R"({"type": "string", "enum": ["a", "b", "c"]})", R"("d")"),
              R"(Expected one of "a", "b" or "c" (got "d") at $.x)");
    EXPECT_EQ(verdict(R"({"type": "string", "enum": ["a"]})", "1"),
              R"(Expected "a" (got 1) at $.x)");
    EXPECT_EQ(verdict(R"({"type": "string", "const": "a"})", R"("a")"), "ok");
    EXPECT_EQ(verdict(R"({"type": "string", "const": "a"})", R"("b")"),
              R"(Expected "a" (got "b") at $.x)");
    EXPECT_EQ(verdict(R"({"type": "integer", "enum": [1, 2]})", "2"), "ok");
    EXPECT_EQ(verdict(R"({"type": "integer", "enum": [1, 2]})", "3"),
              "Expected one of 1 or 2 (got 3) at $.x");
    EXPECT_EQ(verdict(R"({"type": "integer", "const": 1})", "2"), "Expected 1 (got 2) at $.x");
    EXPECT_EQ(verdict(R"({"type": "boolean", "const": true})", "true"), "ok");
    EXPECT_EQ(verdict(R"({"type": "boolean", "const": true})", "false"),
              "Expected true (got false) at $.x");
}

TEST(Validate, IntegersAndBooleans) {
    EXPECT_EQ(verdict(R"({"type": "integer"})", "9007199254740991"), "ok");
    EXPECT_EQ(verdict(R"({"type": "integer"})", "-9007199254740991"), "ok");
    EXPECT_EQ(verdict(R"({"type": "integer"})", "9007199254740992"),
              "Expected integer value type (got 9007199254740992) at $.x");
    EXPECT_EQ(verdict(R"({"type": "integer"})", R"("1")"),
              R"(Expected integer value type (got "1") at $.x)");
    EXPECT_EQ(verdict(R"({"type": "integer"})", "true"),
              "Expected integer value type (got true) at $.x");
    EXPECT_EQ(verdict(R"({"type": "integer", "minimum": 1, "maximum": 2})", "1"), "ok");
    EXPECT_EQ(verdict(R"({"type": "integer", "minimum": 1, "maximum": 2})", "2"), "ok");
    EXPECT_EQ(verdict(R"({"type": "integer", "minimum": 1})", "0"),
              "integer too small (minimum 1, got 0) at $.x");
    EXPECT_EQ(verdict(R"({"type": "integer", "maximum": 2})", "3"),
              "integer too big (maximum 2, got 3) at $.x");
    EXPECT_EQ(verdict(R"({"type": "boolean"})", "false"), "ok");
    EXPECT_EQ(verdict(R"({"type": "boolean"})", "0"), "Expected boolean value type (got 0) at $.x");
}

TEST(Validate, BytesAndLinks) {
    EXPECT_EQ(
        verdict(R"({"type": "bytes", "minLength": 2, "maxLength": 2})", R"({"$bytes": "AAA"})"),
        "ok");
    EXPECT_EQ(verdict(R"({"type": "bytes", "minLength": 3})", R"({"$bytes": "AAA"})"),
              "bytes too small (minimum 3, got 2) at $.x");
    EXPECT_EQ(verdict(R"({"type": "bytes", "maxLength": 1})", R"({"$bytes": "AAA"})"),
              "bytes too big (maximum 1, got 2) at $.x");
    EXPECT_EQ(verdict(R"({"type": "bytes"})", R"("AAA")"),
              R"(Expected bytes value type (got "AAA") at $.x)");
    EXPECT_EQ(verdict(R"({"type": "cid-link"})", link), "ok");
    EXPECT_EQ(verdict(R"({"type": "cid-link"})", R"({"$bytes": "AAA"})"),
              "Expected cid value type (got object) at $.x");
}

std::string blob(const std::string& ref, const std::string& mime, const std::string& size,
                 const std::string& more = "") {
    return R"({"$type": "blob", "ref": )" + ref + R"(, "mimeType": ")" + mime + R"(", "size": )" +
           size + more + "}";
}

TEST(Validate, Blobs) {
    const std::string any = R"({"type": "blob"})";
    const std::string images =
        R"({"type": "blob", "accept": ["image/*", "video/mp4"], "maxSize": 10})";
    EXPECT_EQ(verdict(any, blob(link, "text/plain", "0")), "ok");
    EXPECT_EQ(verdict(images, blob(link, "image/png", "10")), "ok");
    EXPECT_EQ(verdict(images, blob(link, "video/mp4", "1")), "ok");
    EXPECT_EQ(verdict(images, blob(link, "video/webm", "1")),
              R"(Expected one of "image/*" or "video/mp4" (got "video/webm") at $.x.mimeType)");
    EXPECT_EQ(verdict(images, blob(link, "image/png", "11")),
              "blob too big (maximum 10, got 11) at $.x");
    EXPECT_EQ(verdict(R"({"type": "blob", "accept": ["*/*"]})", blob(link, "a/b", "1")), "ok");
    const std::string no_blob =
        R"(Expected blob value type (got {"$type": ..., "ref": ..., ...}) at $.x)";
    EXPECT_EQ(verdict(any, blob(cbor_link, "a/b", "1")), no_blob) << "a record, not a blob";
    EXPECT_EQ(verdict(any, blob(link, "nonsense", "1")), no_blob);
    EXPECT_EQ(verdict(any, blob(link, "a/b", "-1")), no_blob);
    EXPECT_EQ(verdict(any, blob(link, "a/b", R"("1")")), no_blob);
    EXPECT_EQ(verdict(any, blob(R"("text")", "a/b", "1")), no_blob);
    EXPECT_EQ(verdict(any, blob(link, "a/b", "1", R"(, "more": 1)")), no_blob);
    EXPECT_EQ(verdict(any, R"({"cid": "x", "mimeType": "a/b"})"),
              R"(Expected blob value type (got {"cid": ..., "mimeType": ...}) at $.x)");
    EXPECT_EQ(verdict(any, "3"), "Expected blob value type (got 3) at $.x");
}

TEST(Validate, Arrays) {
    const std::string bounded =
        R"({"type": "array", "items": {"type": "string"}, "minLength": 1, "maxLength": 2})";
    EXPECT_EQ(verdict(bounded, R"(["a", "b"])"), "ok");
    EXPECT_EQ(verdict(bounded, "[]"), "array too small (minimum 1, got 0) at $.x");
    EXPECT_EQ(verdict(bounded, R"(["a", "b", "c"])"), "array too big (maximum 2, got 3) at $.x");
    EXPECT_EQ(verdict(bounded, R"(["a", 3])"), "Expected string value type (got 3) at $.x[1]");
    EXPECT_EQ(verdict(bounded, "{}"), "Expected array value type (got {}) at $.x");
}

TEST(Validate, ObjectsAndReferences) {
    const std::string ref = R"({"type": "ref", "ref": "#object"})";
    EXPECT_EQ(verdict(ref, R"({"n": 1})"), "ok");
    EXPECT_EQ(verdict(ref, R"({"n": 1, "more": [null, {}]})"), "ok") << "more is allowed";
    EXPECT_EQ(verdict(ref, R"({})"), R"(Missing required key "n" at $.x)");
    EXPECT_EQ(verdict(ref, R"({"n": null})"), "Expected integer value type (got null) at $.x.n");
    EXPECT_EQ(verdict(ref, R"({"$type": "a.b.c#object", "n": 1})"), "ok");
    EXPECT_EQ(verdict(ref, R"({"$type": "a.b.c#other", "n": 1})"),
              R"(Expected "a.b.c#object" (got "a.b.c#other") at $.x.$type)");
    EXPECT_EQ(verdict(R"({"type": "ref", "ref": "#alias"})", R"({})"),
              R"(Missing required key "n" at $.x)");
    EXPECT_EQ(verdict(R"({"type": "ref", "ref": "#text"})", "1"),
              "Expected string value type (got 1) at $.x");
    EXPECT_EQ(verdict(R"({"type": "object"})", "[]"), "Expected object value type (got []) at $.x");
    EXPECT_EQ(verdict(R"({"type": "object", "properties": {"a b": {"type": "string"}}})",
                      R"({"a b": 1})"),
              R"(Expected string value type (got 1) at $.x["a b"])");
}

TEST(Validate, RequiredAndNullable) {
    const std::string text = R"({"type": "string"})";
    EXPECT_EQ(verdict(text, "null"), "Expected string value type (got null) at $.x");
    EXPECT_EQ(verdict(text, "null", R"("nullable": ["x"], )"), "ok");
    EXPECT_EQ(verdict(text, "1", R"("nullable": ["x"], )"),
              "Expected string value type (got 1) at $.x");
    const Catalog catalog = catalog_of({R"({"lexicon": 1, "id": "a.b.c", "defs": {"main":
        {"type": "object", "required": ["x"], "nullable": ["x"],
         "properties": {"x": {"type": "string"}}}}})"});
    EXPECT_EQ(said(validate(*catalog.schema("a.b.c"), json_value("{}"))),
              R"(Missing required key "x" at $)");
    EXPECT_EQ(said(validate(*catalog.schema("a.b.c"), json_value(R"({"x": null})"))), "ok");
}

TEST(Validate, Unions) {
    const std::string open = R"({"type": "union", "refs": ["#object", "#other"]})";
    const std::string closed =
        R"({"type": "union", "refs": ["#object", "#other"], "closed": true})";
    EXPECT_EQ(verdict(open, R"({"$type": "a.b.c#object", "n": 1})"), "ok");
    EXPECT_EQ(verdict(open, R"({"$type": "a.b.c#object"})"), R"(Missing required key "n" at $.x)");
    EXPECT_EQ(verdict(open, R"({"$type": "some.thing.else"})"), "ok");
    EXPECT_EQ(verdict(open, R"({"$type": 3})"), "Expected string value type (got 3) at $.x.$type");
    EXPECT_EQ(verdict(open, R"({"n": 1})"),
              R"(Expected an object which includes the "$type" property value type )"
              R"((got {"n": ...}) at $.x)");
    EXPECT_EQ(
        verdict(open, "3"),
        R"(Expected an object which includes the "$type" property value type (got 3) at $.x)");
    EXPECT_EQ(verdict(closed, R"({"$type": "a.b.c#other"})"), "ok");
    EXPECT_EQ(
        verdict(closed, R"({"$type": "some.thing.else"})"),
        R"(Expected one of "a.b.c#object" or "a.b.c#other" (got "some.thing.else") at $.x.$type)");
}

TEST(Validate, UnknownAndTokens) {
    EXPECT_EQ(verdict(R"({"type": "unknown"})", R"({"a": [1, null]})"), "ok");
    EXPECT_EQ(verdict(R"({"type": "unknown"})", "3"), "Expected object value type (got 3) at $.x");
    EXPECT_EQ(verdict(R"({"type": "unknown"})", link),
              "Expected object value type (got cid) at $.x");
    EXPECT_EQ(verdict(R"({"type": "ref", "ref": "#token"})", R"("a.b.c#token")"), "ok");
    EXPECT_EQ(verdict(R"({"type": "ref", "ref": "#token"})", R"("a.b.c#other")"),
              R"(Expected "a.b.c#token" (got "a.b.c#other") at $.x)");
    EXPECT_EQ(verdict(R"({"type": "ref", "ref": "#token"})", "1"),
              "Expected token value type (got 1) at $.x");
}

TEST(Validate, Formats) {
    struct Case {
        const char* format;
        const char* good;
        const char* bad;
        const char* message;
    };
    const Case cases[] = {
        {"at-identifier", "a.test", "!", R"(Invalid AT identifier (got "!") at $.x)"},
        {"at-uri", "at://did:plc:abc/a.b.c/d", "at:/", R"(Invalid at-uri (got "at:/") at $.x)"},
        {"cid", "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a", "x",
         R"(Invalid CID string (got "x") at $.x)"},
        {"datetime", "2026-11-22T18:50:56.123Z", "2026-11-22",
         R"(Invalid datetime (got "2026-11-22") at $.x)"},
        {"did", "did:plc:abc", "did:", R"(Invalid DID (got "did:") at $.x)"},
        {"handle", "Alice.Test", "alice", R"(Invalid handle (got "alice") at $.x)"},
        {"language", "pt-BR", "*", R"(Invalid language (got "*") at $.x)"},
        {"nsid", "com.example.thing", "a.b", R"(Invalid NSID (got "a.b") at $.x)"},
        {"record-key", "self", "..", R"(Invalid record key (got "..") at $.x)"},
        {"tid", "3jzfcijpj2z2a", "3", R"(Invalid TID string (got "3") at $.x)"},
        {"uri", "https://a.test/", "a", R"(Invalid uri (got "a") at $.x)"},
    };
    for (const Case& each : cases) {
        const std::string schema =
            R"({"type": "string", "format": ")" + std::string(each.format) + R"("})";
        EXPECT_EQ(verdict(schema, '"' + std::string(each.good) + '"'), "ok") << each.format;
        EXPECT_EQ(verdict(schema, '"' + std::string(each.bad) + '"'), each.message);
    }
}

// The view of a refused value stays short.
TEST(Validate, QuotesLittle) {
    const std::string number = R"({"type": "integer"})";
    const std::string before = "Expected integer value type (got ";
    EXPECT_EQ(verdict(number, R"(["a", "b", "c"])"), before + R"(["a", "b", ...]) at $.x)");
    EXPECT_EQ(verdict(number, R"({"a": 1, "b": 2, "c": 3})"),
              before + R"({"a": ..., "b": ..., ...}) at $.x)");
    EXPECT_EQ(verdict(number, "[[[[[[1]]]]]]"), before + "[[[[[...]]]]]) at $.x");
    const std::string long_text(255, 'a');
    EXPECT_EQ(verdict(number, '"' + long_text + '"'), before + '"' + long_text + "\") at $.x");
    EXPECT_EQ(verdict(number, '"' + long_text + "a\""), before + '"' + long_text + "…\") at $.x");
    // Cut between characters: 127 pairs of UTF-16 fit into 255 units.
    std::string faces;
    for (int i = 0; i < 127; ++i)
        faces += "😀";
    EXPECT_EQ(verdict(number, '"' + faces + "😀\""), before + '"' + faces + "…\") at $.x");
    EXPECT_EQ(verdict(number, R"("\"\n")"), before + R"("\"\n") at $.x)");
}

// The answers of @atproto/pds 0.5.35 to the same bodies.
TEST(Validate, SpeaksLikeTheReference) {
    struct Case {
        const char* nsid;
        const char* body;
        const char* message;
    };
    constexpr const char* create = "com.atproto.server.createAccount";
    constexpr const char* login = "com.atproto.server.createSession";
    constexpr const char* invite = "com.atproto.server.createInviteCodes";
    constexpr const char* subject = "com.atproto.admin.updateSubjectStatus";
    const Case cases[] = {
        {create, "{}", R"(Missing required key "handle" at $)"},
        {create, R"({"handle": "nope"})", R"(Invalid handle (got "nope") at $.handle)"},
        {create, R"({"handle": 3})", "Expected string value type (got 3) at $.handle"},
        {create, R"({"handle": null})", "Expected string value type (got null) at $.handle"},
        {create, R"({"handle": "a.test", "did": "x"})", R"(Invalid DID (got "x") at $.did)"},
        {create, R"({"handle": "a.test", "email": null})",
         "Expected string value type (got null) at $.email"},
        {create, R"({"handle": "a.test", "plcOp": 3})",
         "Expected object value type (got 3) at $.plcOp"},
        {create, "[]", "Expected object value type (got []) at $"},
        {login, R"({"identifier": "x"})", R"(Missing required key "password" at $)"},
        {login, R"({"password": "x"})", R"(Missing required key "identifier" at $)"},
        {login, R"({"identifier": "x", "password": true})",
         "Expected string value type (got true) at $.password"},
        {login, R"({"identifier": "x", "password": "x", "allowTakendown": "true"})",
         R"(Expected boolean value type (got "true") at $.allowTakendown)"},
        {invite, R"({"useCount": "1"})", R"(Expected integer value type (got "1") at $.useCount)"},
        {invite, R"({"codeCount": 1})", R"(Missing required key "useCount" at $)"},
        {invite, R"({"codeCount": 1, "useCount": 1, "forAccounts": ["did:plc:abc", "x"]})",
         R"(Invalid DID (got "x") at $.forAccounts[1])"},
        {subject, R"({"subject": {"did": "did:plc:abc"}})",
         R"(Expected an object which includes the "$type" property value type )"
         R"((got {"did": ...}) at $.subject)"},
        {subject, R"({"subject": {"$type": "com.atproto.admin.defs#repoRef", "did": "x"}})",
         R"(Invalid DID (got "x") at $.subject.did)"},
        {subject,
         R"({"subject": {"$type": "com.example.foo"}, "takedown": {"$type": "x.y.z",
             "applied": true}})",
         R"(Expected "com.atproto.admin.defs#statusAttr" (got "x.y.z") at $.takedown.$type)"},
        {"com.atproto.admin.updateAccountEmail", R"({"account": "!", "email": "x"})",
         R"(Invalid AT identifier (got "!") at $.account)"},
    };
    const Catalog catalog = house_catalog();
    for (const Case& each : cases) {
        Value body = json_value(each.body);
        auto result = validate_input(catalog, each.nsid, body);
        EXPECT_EQ(said(result), each.message) << each.nsid << " " << each.body;
        if (!result) {
            EXPECT_EQ(result.error().name, "InvalidRequest");
            EXPECT_EQ(result.error().fault, Fault::invalid);
        }
    }
}

TEST(Validate, PutsInDefaults) {
    const Catalog catalog = catalog_of({R"({"lexicon": 1, "id": "a.b.c", "defs": {
        "part": {"type": "object", "properties": {"s": {"type": "string", "default": "d"}}},
        "main": {"type": "procedure", "input": {"encoding": "application/json", "schema": {
            "type": "object", "required": ["n"], "properties": {
            "n": {"type": "integer", "default": 7},
            "b": {"type": "boolean", "default": true},
            "one": {"type": "ref", "ref": "#part"},
            "many": {"type": "array", "items": {"type": "union", "refs": ["#part"]}},
            "none": {"type": "string"}}}}}}})"});
    const auto filled = [&](std::string_view json) {
        Value value = json_value(json);
        EXPECT_EQ(said(validate_input(catalog, "a.b.c", value)), "ok") << json;
        return value;
    };
    EXPECT_EQ(filled("{}"), json_value(R"({"n": 7, "b": true})"));
    EXPECT_EQ(filled(R"({"n": 1, "b": false})"), json_value(R"({"n": 1, "b": false})"));
    EXPECT_EQ(filled(R"({"one": {}, "many": [{"$type": "a.b.c#part"}, {"$type": "x.y.z"}]})"),
              json_value(R"({"n": 7, "b": true, "one": {"s": "d"},
                  "many": [{"$type": "a.b.c#part", "s": "d"}, {"$type": "x.y.z"}]})"));
}

TEST(Validate, AnOutputMustBeComplete) {
    const Catalog catalog = house_catalog();
    const auto verdict_on = [&](std::string_view nsid, std::string_view json) {
        return said(validate_output(catalog, nsid, json_value(json)));
    };
    EXPECT_EQ(verdict_on("com.atproto.server.getServiceAuth", R"({"token": "x"})"), "ok");
    EXPECT_EQ(verdict_on("com.atproto.server.getServiceAuth", "{}"),
              R"(Missing required key "token" at $)");
    EXPECT_EQ(verdict_on("com.atproto.admin.getAccountInfo",
                         R"({"did": "did:plc:abc", "handle": "a.test", "indexedAt": "x"})"),
              R"(Invalid datetime (got "x") at $.indexedAt)");
    EXPECT_EQ(verdict_on("com.atproto.sync.getRepo", "3"), "ok") << "no schema";
    EXPECT_EQ(verdict_on("com.atproto.server.deleteSession", "{}"), "ok") << "no output";
}

TEST(Validate, AMethodWithoutInputSchemaTakesAnything) {
    const Catalog catalog = house_catalog();
    Value body(3);
    EXPECT_EQ(said(validate_input(catalog, "com.atproto.server.deleteSession", body)), "ok");
    EXPECT_EQ(body, Value(3));
}

}  // namespace
}  // namespace roost::lexicon
