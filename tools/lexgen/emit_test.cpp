#include "emit.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "names.h"

namespace roost::lexgen {
namespace {

using lexicon::Catalog;

Result<Code> emitted(const std::string& definitions) {
    const std::string mine =
        R"({"lexicon": 1, "id": "com.example.thing", "defs": )" + definitions + "}";
    const std::vector<std::string_view> texts{mine, R"({"lexicon": 1, "id": "com.example.defs",
        "defs": {"view": {"type": "object"}, "kind": {"type": "string"},
                 "token": {"type": "token"}}})"};
    auto catalog = Catalog::of(texts);
    if (!catalog) throw std::runtime_error(catalog.error().message);
    return emit_document(*catalog->document("com.example.thing"));
}

void expect_in_header(const std::string& definitions, std::vector<std::string> parts) {
    auto code = emitted(definitions);
    ASSERT_TRUE(code.has_value()) << code.error().message;
    std::size_t at = 0;
    for (const std::string& part : parts) {
        const std::size_t found = code->header.find(part, at);
        EXPECT_NE(found, std::string::npos) << part << "\nis not, or not there, in\n"
                                            << code->header;
        if (found != std::string::npos) at = found;
    }
}

std::string refusal(const std::string& definitions) {
    auto code = emitted(definitions);
    return code ? "accepted" : code.error().message;
}

TEST(Names, AreMadeForCpp) {
    EXPECT_EQ(member_name("handle"), "handle");
    EXPECT_EQ(member_name("default"), "default_");
    EXPECT_EQ(member_name("from"), "from_");
    EXPECT_EQ(member_name("a-b$c"), "a_b_c");
    EXPECT_EQ(title_case("inviteCode"), "InviteCode");
    EXPECT_EQ(namespace_of("com.atproto.x-y.delete"), "roost::lexicon::com::atproto::x_y::delete_");
    EXPECT_EQ(header_of("com.atproto.server.defs"), "lexicon/com/atproto/server/defs.h");
    EXPECT_EQ(qualified_struct("a.b.c"), "::roost::lexicon::a::b::c::Main");
    EXPECT_EQ(qualified_struct("a.b.c#dE"), "::roost::lexicon::a::b::c::DE");
    EXPECT_EQ(cpp_literal(R"(a"b\)"), R"("a\"b\\")");
    EXPECT_EQ(split("a.b", '.'), (std::vector<std::string>{"a", "b"}));
}

TEST(Emit, GivesEachSchemaItsType) {
    expect_in_header(R"({"main": {"type": "object", "required": ["a", "b", "c", "d", "e", "f", "g",
        "h", "i", "j", "k", "l", "m", "n", "o", "p"], "properties": {
        "a": {"type": "string", "format": "did"}, "b": {"type": "string", "format": "handle"},
        "c": {"type": "string", "format": "nsid"}, "d": {"type": "string", "format": "tid"},
        "e": {"type": "string", "format": "at-uri"},
        "f": {"type": "string", "format": "record-key"},
        "g": {"type": "string", "format": "cid"}, "h": {"type": "string", "format": "datetime"},
        "i": {"type": "integer"}, "j": {"type": "boolean"}, "k": {"type": "bytes"},
        "l": {"type": "cid-link"}, "m": {"type": "blob"},
        "n": {"type": "union", "refs": ["com.example.defs#view"]},
        "o": {"type": "array", "items": {"type": "ref", "ref": "com.example.defs#view"}},
        "p": {"type": "ref", "ref": "com.example.defs#token"}}}})",
                     {"#include \"lexicon/com/example/defs.h\"",
                      "namespace roost::lexicon::com::example::thing {",
                      "struct Main {",
                      "::roost::atproto::Did a;",
                      "::roost::atproto::Handle b;",
                      "::roost::atproto::Nsid c;",
                      "::roost::atproto::Tid d;",
                      "::roost::atproto::AtUri e;",
                      "::roost::atproto::RecordKey f;",
                      "std::string g;",
                      "std::string h;",
                      "std::int64_t i;",
                      "bool j;",
                      "::roost::Bytes k;",
                      "::roost::atproto::Cid l;",
                      "::roost::atproto::Value m;",
                      "::roost::atproto::Value n;",
                      "std::vector<::roost::lexicon::com::example::defs::View> o;",
                      "std::string p;",
                      "static Main from(",
                      "void write("});
}

TEST(Emit, KnowsWhatMayBeAbsentOrNull) {
    expect_in_header(
        R"({"main": {"type": "object", "required": ["a", "b"],
        "nullable": ["b", "c"], "properties": {
        "a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "string"},
        "d": {"type": "integer"}, "e": {"type": "integer", "default": 7},
        "f": {"type": "boolean", "default": true}, "g": {"type": "string", "default": "x\"y"}}}})",
        {"    std::string a;", "    std::optional<std::string> b;",
         "    std::optional<std::optional<std::string>> c = std::nullopt;",
         "    std::optional<std::int64_t> d = std::nullopt;", "    std::int64_t e = 7;",
         "    bool f = true;", R"(    std::string g = "x\"y";)"});
}

TEST(Emit, DescribesMethods) {
    expect_in_header(
        R"({"main": {"type": "procedure",
            "parameters": {"type": "params", "properties": {"q": {"type": "string"}}},
            "input": {"encoding": "*/*"},
            "output": {"encoding": "application/json", "schema": {"type": "ref", "ref": "#later"}},
            "errors": [{"name": "Bad"}]},
            "later": {"type": "object"}})",
        {"struct Later {", "struct Params {", "static Params from(",
         "using Input = ::roost::lexicon::NoInput;",
         "using Output = ::roost::lexicon::com::example::thing::Later;", "namespace errors {",
         R"(ErrorName Bad{"Bad"};)", "struct Method {", R"(nsid = "com.example.thing";)",
         "Kind::procedure;", "using Params = thing::Params;", R"(input_encoding = "*/*";)",
         R"(output_encoding = "application/json";)"});
    expect_in_header(
        R"({"main": {"type": "subscription", "message": {"schema":
        {"type": "union", "refs": ["com.example.defs#view"]}}}})",
        {"using Params = ::roost::lexicon::NoParams;", "using Output = ::roost::lexicon::NoOutput;",
         "Kind::subscription;", R"(input_encoding = "";)"});
}

TEST(Emit, NamesTheObjectsInside) {
    expect_in_header(R"({"main": {"type": "query", "output": {"encoding": "application/json",
        "schema": {"type": "object", "required": ["rows"], "properties": {"rows": {"type": "array",
        "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}}}}}})",
                     {"struct OutputRows {", "std::optional<std::int64_t> n = std::nullopt;",
                      "struct Output {", "std::vector<OutputRows> rows;"});
}

TEST(Emit, NamesAliasesAndTokens) {
    expect_in_header(
        R"({"status": {"type": "string"}, "gone": {"type": "token"}})",
        {"using Status = std::string;", R"(std::string_view Gone = "com.example.thing#gone";)"});
}

TEST(Emit, RefusesWhatHasNoShape) {
    EXPECT_EQ(refusal(R"({"a": {"type": "object", "properties": {"b": {"type": "ref",
        "ref": "#a"}}}})"),
              "com.example.thing: the definition a contains itself");
    EXPECT_EQ(refusal(R"({"main": {"type": "query", "output": {"encoding": "application/json",
        "schema": {"type": "string"}}}})"),
              "com.example.thing: the Output is neither an object nor a reference to one");
    EXPECT_EQ(refusal(R"({"main": {"type": "query"}, "output": {"type": "object"}})"),
              "com.example.thing: two things would be called Output");
}

}  // namespace
}  // namespace roost::lexgen
