#include <gtest/gtest.h>

#include "atproto/lexicon/test_catalog.h"
#include "atproto/lexicon/validate.h"

namespace roost::lexicon {
namespace {

using atproto::Array;
using atproto::Object;

const char* const listing = R"({"lexicon": 1, "id": "a.b.list", "defs": {"main": {"type": "query",
    "parameters": {"type": "params", "properties": {
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 500},
        "cursor": {"type": "string"},
        "reverse": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxLength": 2},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "sort": {"type": "string", "enum": ["up", "down"]}}}}}})";

Object parsed(std::string_view query) {
    const Catalog catalog = catalog_of({listing});
    auto params = parse_params(catalog, "a.b.list", query);
    EXPECT_TRUE(params.has_value()) << query << ": " << params.error().message;
    return params.value_or(Object());
}

std::string refusal(std::string_view query) {
    const Catalog catalog = catalog_of({listing});
    auto params = parse_params(catalog, "a.b.list", query);
    if (params) return "accepted";
    EXPECT_EQ(params.error().name, "InvalidRequest");
    const std::string_view before = "Invalid a.b.list params: ";
    EXPECT_TRUE(params.error().message.starts_with(before));
    return params.error().message.substr(before.size());
}

TEST(Params, AreTyped) {
    EXPECT_EQ(parsed(""), (Object{{"limit", 500}}));
    EXPECT_EQ(parsed("limit=5&cursor=5&reverse=true"),
              (Object{{"limit", 5}, {"cursor", "5"}, {"reverse", true}}));
    EXPECT_EQ(parsed("reverse=false"), (Object{{"limit", 500}, {"reverse", false}}));
    EXPECT_EQ(parsed("limit=05"), (Object{{"limit", 5}}));
    EXPECT_EQ(parsed("limit=1&sort=up"), (Object{{"limit", 1}, {"sort", "up"}}));
    EXPECT_EQ(parsed("cur%73or=a+b%26"), (Object{{"limit", 500}, {"cursor", "a b&"}}));
}

TEST(Params, AreArraysWhenRepeated) {
    EXPECT_EQ(parsed("limit=1&tags=a"), (Object{{"limit", 1}, {"tags", Array{"a"}}}));
    EXPECT_EQ(parsed("tags=a&limit=1&tags=b"), (Object{{"limit", 1}, {"tags", Array{"a", "b"}}}));
    EXPECT_EQ(parsed("limit=1&numbers=-3&numbers=4"),
              (Object{{"limit", 1}, {"numbers", Array{-3, 4}}}));
    EXPECT_EQ(refusal("tags=a&tags=b&tags=c"), "array too big (maximum 2, got 3)");
    EXPECT_EQ(refusal("numbers=1&numbers=x"), R"(Expected integer value type (got "x"))");
    EXPECT_EQ(refusal("cursor=a&cursor=b"), R"(Expected string value type (got ["a", "b"]))");
    EXPECT_EQ(refusal("limit=5&limit=6"), "Expected integer value type (got [5, 6])");
}

TEST(Params, WithoutAValueAreAbsent) {
    EXPECT_EQ(parsed("limit=&cursor&reverse=&tags=&tags="), (Object{{"limit", 500}}));
    EXPECT_EQ(parsed("limit=&limit=3"), (Object{{"limit", 3}}));
}

TEST(Params, UnknownOnesAreDropped) {
    EXPECT_EQ(parsed("limit=1&foo=bar&foo=baz&__proto__=x&=y"), (Object{{"limit", 1}}));
    EXPECT_EQ(parsed("limit=1&tags[]=x"), (Object{{"limit", 1}}));
}

TEST(Params, NumbersAreStrict) {
    const auto wrong = [](const std::string& shown) {
        return "Expected integer value type (got \"" + shown + "\")";
    };
    EXPECT_EQ(refusal("limit=x"), wrong("x"));
    EXPECT_EQ(refusal("limit=1.5"), wrong("1.5"));
    EXPECT_EQ(refusal("limit=%2B5"), wrong("+5"));
    EXPECT_EQ(refusal("limit=+5"), wrong(" 5"));
    EXPECT_EQ(refusal("limit=5%20"), wrong("5 "));
    EXPECT_EQ(refusal("limit=-"), wrong("-"));
    EXPECT_EQ(refusal("limit=0x1"), wrong("0x1"));
    EXPECT_EQ(refusal("limit=1e2"), wrong("1e2"));
    EXPECT_EQ(refusal("limit=%D9%A3"), wrong("٣")) << "a digit, but not one of ASCII";
    EXPECT_EQ(refusal("limit=5%00"), wrong("5\\u0000"));
    EXPECT_EQ(refusal("limit=true"), wrong("true"));
    EXPECT_EQ(refusal("limit=99999999999999999999"), wrong("99999999999999999999"));
    EXPECT_EQ(refusal("limit=9007199254740993"),
              "Expected integer value type (got 9007199254740993)");
    EXPECT_EQ(refusal("limit=0"), "integer too small (minimum 1, got 0)");
    EXPECT_EQ(refusal("limit=-0"), "integer too small (minimum 1, got 0)");
    EXPECT_EQ(refusal("limit=-1"), "integer too small (minimum 1, got -1)");
    EXPECT_EQ(refusal("limit=1001"), "integer too big (maximum 1000, got 1001)");
    EXPECT_EQ(refusal("reverse=1"), R"(Expected boolean value type (got "1"))");
    EXPECT_EQ(refusal("reverse=TRUE"), R"(Expected boolean value type (got "TRUE"))");
    EXPECT_EQ(refusal("sort=left"), R"(Expected one of "up" or "down" (got "left"))");
}

// The answers of @atproto/pds 0.5.35 to the same queries.
TEST(Params, SpeakLikeTheReference) {
    struct Case {
        const char* nsid;
        const char* query;
        const char* message;
    };
    constexpr const char* latest = "com.atproto.sync.getLatestCommit";
    const Case cases[] = {
        {latest, "", R"(Missing required key "did")"},
        {latest, "did=", R"(Missing required key "did")"},
        {latest, "did=x", R"(Invalid DID (got "x"))"},
        {latest, "did=did:plc:abc&did=did:plc:abd",
         R"(Expected string value type (got ["did:plc:abc", "did:plc:abd"]))"},
        {latest, "did=did%3Aplc%3Aabc&foo=bar", "ok"},
        {"com.atproto.sync.getRepo", "did=did:plc:abc&since=x", R"(Invalid TID string (got "x"))"},
        {"com.atproto.identity.resolveHandle", "handle[]=a.test",
         R"(Missing required key "handle")"},
        {"com.atproto.identity.resolveHandle", "handle=%ff%zz+a",
         "Invalid handle (got \"\uFFFD%zz a\")"},
        {"com.atproto.admin.getAccountInfos", "", R"(Missing required key "dids")"},
        {"com.atproto.admin.getAccountInfos", "dids=x&dids=y", R"(Invalid DID (got "x"))"},
        {"com.atproto.server.getAccountInviteCodes", "includeUsed=1",
         R"(Expected boolean value type (got "1"))"},
        {"com.atproto.admin.getInviteCodes", "limit=501", "integer too big (maximum 500, got 501)"},
        {"com.atproto.admin.getInviteCodes", "limit=0&sort=foo",
         "integer too small (minimum 1, got 0)"},
        {"com.atproto.admin.getSubjectStatus", "uri=x&blob=y&did=z", R"(Invalid DID (got "z"))"},
    };
    const Catalog catalog = house_catalog();
    for (const Case& each : cases) {
        auto params = parse_params(catalog, each.nsid, each.query);
        const std::string before = "Invalid " + std::string(each.nsid) + " params: ";
        const std::string expected =
            std::string_view(each.message) == "ok" ? "ok" : before + each.message;
        EXPECT_EQ(params ? "ok" : params.error().message, expected) << each.query;
    }
}

}  // namespace
}  // namespace roost::lexicon
