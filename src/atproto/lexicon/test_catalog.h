// For tests of lexicon/: catalogs from texts, and from the documents of this house.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "atproto/data/json.h"
#include "atproto/lexicon/catalog.h"

namespace roost::lexicon {

inline Catalog catalog_of(const std::vector<std::string>& texts) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    auto catalog = Catalog::of(views);
    if (!catalog) throw std::runtime_error(catalog.error().message);
    return *std::move(catalog);
}

inline Catalog house_catalog() {
    std::vector<std::string> texts;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(ROOST_SOURCE_DIR "/lexicons")) {
        if (entry.path().extension() != ".json") continue;
        std::ifstream file(entry.path());
        texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return catalog_of(texts);
}

inline atproto::Value json_value(std::string_view text) {
    auto value = atproto::json::parse(text);
    if (!value) throw std::runtime_error(std::string(text) + ": " + value.error().message);
    return *std::move(value);
}

}  // namespace roost::lexicon
