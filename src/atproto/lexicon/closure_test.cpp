#include "atproto/lexicon/closure.h"

#include <gtest/gtest.h>

#include "atproto/lexicon/test_catalog.h"
#include "atproto/lexicon/validate.h"

namespace roost::lexicon {
namespace {

constexpr std::string_view house_text = R"({"lexicon": 1, "id": "our.own.defs", "defs": {
    "main": {"type": "string", "maxLength": 3},
    "thing": {"type": "object", "required": ["word"], "properties": {"word": {"type": "string"}}}}})";

std::string record_text(std::string_view nsid, std::string_view properties,
                        std::string_view more = "") {
    return R"({"lexicon": 1, "id": ")" + std::string(nsid) +
           R"(", "defs": {"main": {"type": "record", "key": "any", "record": {"type": "object",)" +
           R"("properties": {)" + std::string(properties) + "}}}" + std::string(more) + "}}";
}

class ClosureTest : public ::testing::Test {
  protected:
    using Texts = std::map<std::string, std::string>;
    // What has no text is given up.
    Result<Catalog> gather(const Texts& texts, std::string root = "com.example.note") {
        Closure closure(house_, std::move(root));
        while (const std::optional<std::string> nsid = closure.wanted()) {
            asked_.push_back(*nsid);
            const auto found = texts.find(*nsid);
            if (found == texts.end()) {
                closure.give_up(*nsid, Error::invalid("nobody publishes it"));
                continue;
            }
            auto document = parse_document(json_value(found->second), Extras::ignored);
            if (!document) throw std::runtime_error(document.error().message);
            closure.add(*std::move(document));
        }
        return closure.finish();
    }
    std::string refusal(const Texts& texts) {
        const Result<Catalog> rules = gather(texts);
        return rules.has_value() ? "" : rules.error().message;
    }
    // "" if the record obeys.
    static std::string issue(const Result<Catalog>& rules, std::string_view record) {
        if (!rules.has_value()) return rules.error().message;
        const atproto::Value value = json_value(record);
        const auto valid =
            validate_record(*rules, "com.example.note", {.key = "x", .value = value});
        return valid.has_value() ? "" : valid.error().message;
    }

    const Catalog house_ = catalog_of({std::string(house_text)});
    std::vector<std::string> asked_;
};

TEST_F(ClosureTest, FollowsReferencesThroughDocuments) {
    const Texts texts{
        {"com.example.note",
         record_text("com.example.note", R"("by": {"type": "ref", "ref": "com.example.defs#who"},
             "tag": {"type": "ref", "ref": "our.own.defs"})")},
        {"com.example.defs", R"({"lexicon": 1, "id": "com.example.defs", "defs": {
             "who": {"type": "object", "required": ["name"], "properties": {
                 "name": {"type": "string"}, "boss": {"type": "ref", "ref": "#who"}}},
             "other": {"type": "ref", "ref": "com.example.unused"}}})"}};
    const Result<Catalog> rules = gather(texts);
    EXPECT_EQ(asked_, (std::vector<std::string>{"com.example.note", "com.example.defs"}));
    EXPECT_EQ(issue(rules, R"({"$type": "com.example.note", "tag": "abc",
                               "by": {"name": "a", "boss": {"name": "b"}}})"),
              "");
    EXPECT_EQ(issue(rules, R"({"$type": "com.example.note", "by": {"name": "a", "boss": {}}})"),
              "Invalid com.example.note record: Missing required key \"name\" at $.record.by.boss");
    EXPECT_EQ(issue(rules, R"({"$type": "com.example.note", "tag": "abcd"})"),
              "Invalid com.example.note record: string too big (maximum 3, got 4) at $.record.tag");
    EXPECT_EQ(rules->record("our.own.defs"), nullptr);
    EXPECT_NE(rules->schema("our.own.defs#thing"), nullptr) << "the base shows through";
    EXPECT_EQ(rules->documents().size(), 2U);
}

TEST_F(ClosureTest, SaysWhatIsMissing) {
    EXPECT_EQ(refusal({}), "nobody publishes it");
    EXPECT_EQ(refusal({{"com.example.note",
                        record_text("com.example.note",
                                    R"("by": {"type": "ref", "ref": "com.example.defs#who"})")}}),
              "com.example.note#main/by refers to nothing: com.example.defs#who "
              "(nobody publishes it)");
    EXPECT_EQ(refusal({{"com.example.note",
                        R"({"lexicon": 1, "id": "com.example.note", "defs": {
                            "main": {"type": "query"}}})"}}),
              "the main definition of com.example.note is no record");
    EXPECT_EQ(refusal({{"com.example.note",
                        record_text("com.example.note",
                                    R"("tag": {"type": "ref", "ref": "our.own.defs#none"})")}}),
              "com.example.note#main/tag refers to nothing: our.own.defs#none");
}

TEST_F(ClosureTest, AnOpenUnionDoesWithoutWhatNobodyKnows) {
    const auto with_union = [](std::string_view closed) {
        return Texts{{"com.example.note",
                      record_text("com.example.note",
                                  R"("embed": {"type": "union", "closed": )" + std::string(closed) +
                                      R"(, "refs": ["com.example.gone", "our.own.defs#thing"]})")}};
    };
    const Result<Catalog> rules = gather(with_union("false"));
    EXPECT_EQ(issue(rules, R"({"$type": "com.example.note",
                               "embed": {"$type": "com.example.gone", "x": 1}})"),
              "");
    EXPECT_EQ(issue(rules, R"({"$type": "com.example.note",
                               "embed": {"$type": "our.own.defs#thing"}})"),
              "Invalid com.example.note record: Missing required key \"word\" at $.record.embed");
    EXPECT_EQ(refusal(with_union("true")),
              "com.example.note#main/embed refers to nothing: com.example.gone "
              "(nobody publishes it)");
}

TEST_F(ClosureTest, DocumentsOfTheHouseAreNeverAskedFor) {
    const Result<Catalog> rules =
        gather({{"our.own.defs", record_text("our.own.defs", R"("word": {"type": "string"})")}},
               "our.own.defs");
    EXPECT_TRUE(asked_.empty());
    EXPECT_FALSE(rules.has_value()) << "and no other document can take their place";
    auto own = parse_document(json_value(record_text("our.own.defs", "")));
    std::vector<Document> documents;
    documents.push_back(*std::move(own));
    EXPECT_FALSE(Catalog::over(house_, std::move(documents)).has_value());
}

TEST_F(ClosureTest, CirclesAndChainsEnd) {
    EXPECT_NE(refusal({{"com.example.note",
                        record_text("com.example.note", R"("a": {"type": "ref", "ref": "#b"})",
                                    R"(, "b": {"type": "ref", "ref": "com.example.c"})")},
                       {"com.example.c", R"({"lexicon": 1, "id": "com.example.c", "defs": {
                            "main": {"type": "ref", "ref": "com.example.note#b"}}})"}}),
              "");
    // Each definition refers to the next.
    std::string chain;
    for (int i = 0; i < 2'000; ++i)
        chain += ", \"d" + std::to_string(i) +
                 R"(": {"type": "object", "properties": {"a": {"type": "ref", "ref": "#d)" +
                 std::to_string(i + 1) + "\"}}}";
    chain += R"(, "d2000": {"type": "string"})";
    EXPECT_EQ(refusal({{"com.example.note",
                        record_text("com.example.note", R"("a": {"type": "ref", "ref": "#d0"})",
                                    chain)}}),
              "");
}

TEST_F(ClosureTest, TakesABoundedNumberOfDocuments) {
    Texts texts;
    std::string properties;
    for (int i = 100; i < 160; ++i) {
        const std::string nsid = "com.example.d" + std::to_string(i);
        properties +=
            (i == 100 ? "\"" : ", \"") + nsid + R"(": {"type": "ref", "ref": ")" + nsid + "\"}";
        texts[nsid] =
            R"({"lexicon": 1, "id": ")" + nsid + R"(", "defs": {"main": {"type": "string"}}})";
    }
    texts["com.example.note"] = record_text("com.example.note", properties);
    EXPECT_NE(refusal(texts).find("(more than 32 are needed)"), std::string::npos);
    EXPECT_EQ(asked_.size(), 32U);
}

// A record and a schema, each of a size that is allowed, may not take seconds together.
TEST_F(ClosureTest, TheWorkOfACheckIsBounded) {
    std::string words;
    for (int i = 0; i < 8'000; ++i)
        words += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\"";
    const Result<Catalog> rules = gather(
        {{"com.example.note",
          record_text("com.example.note", R"("a": {"type": "array", "items": {"type": "string",
              "enum": [)" + words + "]}}")}});
    std::string items = "\"7999\"";
    EXPECT_EQ(issue(rules, R"({"$type": "com.example.note", "a": [)" + items + "]}"), "");
    for (int i = 0; i < 100'000; ++i)
        items += ",\"7999\"";
    EXPECT_EQ(issue(rules, R"({"$type": "com.example.note", "a": [)" + items + "]}"),
              "Invalid com.example.note record: Takes too long to check at $.record.a[1249]");
}

TEST(ForeignDocument, MayHoldMembersThatNobodyKnows) {
    const atproto::Value document = json_value(R"({"$type": "com.atproto.lexicon.schema",
        "lexicon": 1, "id": "com.example.note", "defs": {"main": {"type": "record", "key": "tid",
        "novel": true, "record": {"type": "object", "properties": {
            "a": {"type": "string", "colour": "red"}}}}}})");
    EXPECT_TRUE(parse_document(document, Extras::ignored).has_value());
    EXPECT_FALSE(parse_document(document).has_value());
}

}  // namespace
}  // namespace roost::lexicon
