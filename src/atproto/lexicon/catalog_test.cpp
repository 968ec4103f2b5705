#include "atproto/lexicon/catalog.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace roost::lexicon {
namespace {

std::string refusal(std::vector<std::string_view> documents) {
    auto catalog = Catalog::of(documents);
    return catalog ? "accepted" : catalog.error().message;
}

constexpr std::string_view person = R"({"lexicon": 1, "id": "a.b.person", "defs": {
    "main": {"type": "query"},
    "view": {"type": "object", "properties": {"friend": {"type": "ref", "ref": "#view"}}},
    "alias": {"type": "ref", "ref": "#view"}}})";

TEST(Catalog, FindsThingsByName) {
    const std::string_view record = R"({"lexicon": 1, "id": "a.b.note", "defs": {
        "main": {"type": "record", "key": "any", "record": {"type": "object", "properties": {
            "by": {"type": "ref", "ref": "a.b.person#alias"}}}}}})";
    const std::vector<std::string_view> texts{person, record};
    auto built = Catalog::of(texts);
    ASSERT_TRUE(built.has_value()) << built.error().message;
    const Catalog catalog = *std::move(built);  // moving keeps what was resolved
    EXPECT_EQ(catalog.documents().size(), 2U);
    EXPECT_EQ(catalog.documents()[0]->id, "a.b.note");
    EXPECT_NE(catalog.method("a.b.person"), nullptr);
    EXPECT_EQ(catalog.method("a.b.note"), nullptr);
    EXPECT_EQ(catalog.method("a.b.absent"), nullptr);
    EXPECT_NE(catalog.record("a.b.note"), nullptr);
    EXPECT_EQ(catalog.record("a.b.person"), nullptr);
    EXPECT_EQ(catalog.schema("a.b.person"), nullptr);
    EXPECT_EQ(catalog.schema("a.b.person#none"), nullptr);
    const Schema* view = catalog.schema("a.b.person#view");
    ASSERT_NE(view, nullptr);
    const auto* note = catalog.schema("a.b.note")->as<ObjectSchema>();
    ASSERT_NE(note, nullptr);
    EXPECT_EQ(note->properties[0].schema->as<RefSchema>()->target, view) << "through the alias";
    const auto* self = view->as<ObjectSchema>()->properties[0].schema->as<RefSchema>();
    EXPECT_EQ(self->target, view) << "a definition may refer to itself";
}

TEST(Catalog, RefusesWhatDoesNotFitTogether) {
    EXPECT_EQ(refusal({person, person}), "Two lexicon documents are called a.b.person");
    EXPECT_EQ(refusal({R"({"lexicon": 1, "id": "a.b.c", "defs": {
        "x": {"type": "array", "items": {"type": "ref", "ref": "#y"}}}})"}),
              "a.b.c#x refers to nothing: a.b.c#y");
    EXPECT_EQ(refusal({R"({"lexicon": 1, "id": "a.b.c", "defs": {
        "x": {"type": "ref", "ref": "#y"}, "y": {"type": "ref", "ref": "#x"}}})"})
                  .substr(0, 7),
              "a.b.c#x")
        << "a circle of references is a reference to nothing";
    EXPECT_EQ(refusal({R"({"lexicon": 1, "id": "a.b.c", "defs": {
        "x": {"type": "union", "refs": ["#y"]}, "y": {"type": "string"}}})"}),
              "a.b.c#x is a union with what is no object: a.b.c#y");
    EXPECT_EQ(refusal({R"({"lexicon": 1, "id": "a.b.c", "defs": {"main": {"type": "procedure",
        "input": {"encoding": "application/json", "schema": {"type": "ref", "ref": "#in"}}}}})"}),
              "a.b.c#main refers to nothing: a.b.c#in");
    EXPECT_NE(refusal({"{"}), "accepted");
}

// Every published document is of the language that we read.
TEST(Catalog, ReadsThePublishedDocuments) {
    const std::filesystem::path folder = ROOST_SHARED_DIR "/lexicons";
    if (!std::filesystem::exists(folder))
        GTEST_SKIP() << "the published documents are not there: " << folder;
    std::vector<std::string> texts;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() != ".json") continue;
        std::ifstream file(entry.path());
        texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    auto catalog = Catalog::of(views);
    ASSERT_TRUE(catalog.has_value()) << catalog.error().message;
    EXPECT_GT(catalog->documents().size(), 200U);
    EXPECT_NE(catalog->record("app.bsky.feed.post"), nullptr);
    EXPECT_EQ(catalog->method("com.atproto.sync.subscribeRepos")->kind, MethodKind::subscription);
}

}  // namespace
}  // namespace roost::lexicon
