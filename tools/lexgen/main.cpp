// lexgen DOCUMENTS OUTPUT GROUP…: reads every *.json below DOCUMENTS and writes below OUTPUT the
// table of all of them, and the C++ of those in the groups ("com/atproto/server"), as
// tools/lexgen/CMakeLists.txt expects. Files that would not change are not touched.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "atproto/data/json.h"
#include "atproto/lexicon/catalog.h"
#include "emit.h"
#include "names.h"

namespace roost::lexgen {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const fs::path& path, const std::string& text) {
    if (fs::exists(path) && read_file(path) == text) return;
    fs::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path.string());
}

// Drops the texts that are for people. A property may be called "description": that is an object.
void drop_descriptions(atproto::Value& value) {
    if (auto* array = std::get_if<atproto::Array>(&value.variant())) {
        for (atproto::Value& item : *array)
            drop_descriptions(item);
    } else if (const auto* object = value.as<atproto::Object>()) {
        atproto::Object kept;
        for (const auto& [name, member] : *object) {
            if (name == "description" && member.as<std::string>() != nullptr) continue;
            atproto::Value copy = member;
            drop_descriptions(copy);
            kept.append_unique(name, std::move(copy));
        }
        value = atproto::Value(std::move(kept));
    }
}

Result<std::vector<std::string>> read_documents(const fs::path& folder) {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.path().extension() == ".json") paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    std::vector<std::string> out;
    for (const fs::path& path : paths) {
        Result<atproto::Value> json = atproto::json::parse(read_file(path));
        if (!json) return Error::invalid(path.string() + ": " + json.error().message);
        const atproto::Object* object = json->as<atproto::Object>();
        const atproto::Value* id = object == nullptr ? nullptr : object->find("id");
        std::string expected = fs::relative(path, folder).replace_extension().string();
        std::ranges::replace(expected, '/', '.');
        if (id == nullptr || *id != atproto::Value(expected))
            return Error::invalid(path.string() + " should have the id " + expected);
        drop_descriptions(*json);
        out.push_back(atproto::json::write(*json));
    }
    return out;
}

Result<void> generate(const fs::path& folder, const fs::path& output,
                      const std::set<fs::path>& wanted) {
    const std::vector<std::string> texts = TRY(read_documents(folder));
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const lexicon::Catalog catalog = TRY(lexicon::Catalog::of(views));

    struct Group {
        std::vector<const lexicon::Document*> documents;
        std::string bodies;
    };
    std::map<std::string, Group> groups;
    const fs::path root = output.parent_path();  // header_of() starts with "lexicon/"
    for (const lexicon::Document* document : catalog.documents()) {
        const fs::path header = header_of(document->id);
        if (!wanted.contains(header.parent_path().lexically_relative("lexicon"))) continue;
        const Code code = TRY(emit_document(*document));
        write_file(root / header, code.header);
        Group& group = groups[header.parent_path().string()];
        group.documents.push_back(document);
        group.bodies += code.bodies;
    }
    for (const auto& [path, group] : groups)
        write_file(root / path / "group.cpp", emit_group(group.documents, group.bodies));
    write_file(output / "embedded_documents.h", emit_table_header());
    write_file(output / "embedded_documents.cpp", emit_table(texts));
    return {};
}

}  // namespace
}  // namespace roost::lexgen

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: lexgen DOCUMENTS OUTPUT [GROUP…]\n", stderr);
        return 2;
    }
    try {
        roost::Result<void> done =
            roost::lexgen::generate(argv[1], argv[2], {argv + 3, argv + argc});
        if (done) return 0;
        std::fprintf(stderr, "lexgen: %s\n", done.error().message.c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "lexgen: %s\n", error.what());
    }
    return 1;
}
