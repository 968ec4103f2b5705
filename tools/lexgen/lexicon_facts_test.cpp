// Our lexicon documents state the same facts as the published ones; only the descriptions differ.
// Those of applications (all but com.atproto) have only the definitions that records are made of.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include "atproto/data/json.h"

namespace roost::lexgen {
namespace {

using atproto::Array;
using atproto::Object;
using atproto::Value;
namespace fs = std::filesystem;

Value read(const fs::path& path) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto value = atproto::json::parse(text);
    EXPECT_TRUE(value.has_value()) << path;
    return value.value_or(Value());
}

void collect(const Value& value, std::vector<std::string>& descriptions) {
    if (const auto* array = value.as<Array>()) {
        for (const Value& item : *array)
            collect(item, descriptions);
    } else if (const auto* object = value.as<Object>()) {
        for (const auto& [name, member] : *object) {
            if (name == "description" && member.as<std::string>() != nullptr)
                descriptions.push_back(*member.as<std::string>());
            collect(member, descriptions);
        }
    }
}

Value facts(const Value& value) {
    if (const auto* array = value.as<Array>()) {
        Array out;
        for (const Value& item : *array)
            out.push_back(facts(item));
        return out;
    }
    const auto* object = value.as<Object>();
    if (object == nullptr) return value;
    Object out;
    for (const auto& [name, member] : *object) {
        if (name != "description" || member.as<std::string>() == nullptr)
            out.append_unique(name, facts(member));
    }
    return out;
}

// Leaves out the definitions that ours leaves out, and the document's words about itself.
Value published_part(const Value& theirs, const Value& mine) {
    Object out;
    for (const auto& [name, member] : *theirs.as<Object>()) {
        if (name != "defs") {
            out.append_unique(name, member);
            continue;
        }
        Object definitions;
        for (const auto& [key, definition] : *member.as<Object>()) {
            if (mine.as<Object>()->find("defs")->as<Object>()->find(key) != nullptr)
                definitions.append_unique(key, definition);
        }
        out.append_unique("defs", std::move(definitions));
    }
    return out;
}

bool is_record(const Value& document) {
    const Value* main = document.as<Object>()->find("defs")->as<Object>()->find("main");
    return main != nullptr && *main->as<Object>()->find("type") == Value("record");
}

// The parameters that are ours alone: of which method, and their names.
constexpr std::pair<std::string_view, std::string_view> our_parameters[] = {
    {"com/atproto/sync/getRepo.json", "collection"},
};

// The value without the member that the names lead to.
Value without(const Value& value, std::span<const std::string_view> names) {
    Object left;
    for (const auto& [key, member] : *value.as<Object>()) {
        if (key != names.front())
            left.append_unique(key, member);
        else if (names.size() > 1)
            left.append_unique(key, without(member, names.subspan(1)));
    }
    return left;
}

// The document without what is ours alone.
Value without_ours(Value document, const fs::path& path) {
    for (const auto& [file, name] : our_parameters) {
        const std::string_view names[] = {"defs", "main", "parameters", "properties", name};
        if (path == file) document = without(document, names);
    }
    return document;
}

TEST(LexiconFacts, AreThePublishedOnes) {
    const fs::path published = ROOST_SHARED_DIR "/lexicons";
    const fs::path ours = ROOST_SOURCE_DIR "/lexicons";
    if (!fs::exists(published))
        GTEST_SKIP() << "the published documents are not there: " << published;
    int compared = 0;
    for (const auto& entry : fs::recursive_directory_iterator(ours)) {
        if (entry.path().extension() != ".json") continue;
        const fs::path path = fs::relative(entry.path(), ours);
        const fs::path other = published / path;
        if (!fs::exists(published / *path.begin())) continue;  // nothing of that namespace
        ASSERT_TRUE(fs::exists(other)) << "not a published document: " << entry.path();
        const Value mine = without_ours(read(entry.path()), path);
        const bool may_be_part = *path.begin() != "com";
        const Value theirs = may_be_part ? published_part(read(other), mine) : read(other);
        EXPECT_EQ(atproto::json::write(facts(mine)), atproto::json::write(facts(theirs)))
            << entry.path();
        std::vector<std::string> my_words, their_words;
        collect(mine, my_words);
        collect(theirs, their_words);
        for (const std::string& text : my_words)
            EXPECT_EQ(std::ranges::count(their_words, text), 0) << entry.path() << ": " << text;
        ++compared;
    }
    EXPECT_GE(compared, 123);
}

TEST(LexiconFacts, HaveTheWholeProtocolAndEveryRecord) {
    const fs::path published = ROOST_SHARED_DIR "/lexicons";
    if (!fs::exists(published))
        GTEST_SKIP() << "the published documents are not there: " << published;
    for (const auto& entry : fs::recursive_directory_iterator(published)) {
        if (entry.path().extension() != ".json") continue;
        const fs::path path = fs::relative(entry.path(), published);
        const bool is_protocol = path.string().starts_with("com/atproto/");
        if (is_protocol || is_record(read(entry.path())))
            EXPECT_TRUE(fs::exists(fs::path(ROOST_SOURCE_DIR "/lexicons") / path)) << path;
    }
}

TEST(LexiconFacts, EveryMethodIsDescribed) {
    for (const auto& entry : fs::recursive_directory_iterator(ROOST_SOURCE_DIR "/lexicons")) {
        if (entry.path().extension() != ".json") continue;
        const Value document = read(entry.path());
        const Value* main = document.as<Object>()->find("defs")->as<Object>()->find("main");
        if (main == nullptr) continue;
        EXPECT_NE(main->as<Object>()->find("description"), nullptr) << entry.path();
    }
}

}  // namespace
}  // namespace roost::lexgen
