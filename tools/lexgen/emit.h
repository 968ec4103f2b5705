// Lexicon documents as C++: pure functions from documents of a catalog (which has resolved their
// references) to texts. See the head of any generated
// file, or generated_test.cpp, for what comes out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "atproto/lexicon/catalog.h"
#include "base/result.h"

namespace roost::lexgen {

// The header of one document, and the bodies of the functions that it declares. Errors: something
// for which there is no C++ shape, with the place in the document.
struct Code {
    std::string header;
    std::string bodies;
};
Result<Code> emit_document(const lexicon::Document& document);

// One source file: the bodies of all documents of a group ("com.atproto.server").
std::string emit_group(const std::vector<const lexicon::Document*>& documents,
                       const std::string& bodies);

std::string emit_table_header();
// The documents' minified JSON, in the order given.
std::string emit_table(const std::vector<std::string>& documents);

}  // namespace roost::lexgen
