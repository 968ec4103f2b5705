// All lexicon documents that this house knows, by NSID, with every reference resolved.
//
// Built once at the start (from embedded_documents(), generated at build time into
// "lexicon/embedded_documents.h") and never changed: any thread may read. Documents of others make
// further catalogs, over this one. Pointers stay valid as
// long as the catalog lives, also when it is moved.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "atproto/lexicon/document.h"
#include "base/result.h"

namespace roost::lexicon {

class Catalog {
  public:
    // Each text is one document as JSON. Errors: a document that does not parse, two of one NSID, a
    // reference to nothing, a union that refers to what is no object.
    static Result<Catalog> of(std::span<const std::string_view> documents);
    // Documents beside those of a catalog, which must outlive this one. They refer to each other
    // and to those of the base, which come first. Errors: as above; a document of the base's.
    static Result<Catalog> over(const Catalog& base, std::vector<Document> documents);

    // Null if there is no such thing, or it is of another kind.
    const Document* document(std::string_view nsid) const;
    const Method* method(std::string_view nsid) const;
    const Record* record(std::string_view nsid) const;
    const Schema* schema(std::string_view name) const;  // "nsid#name", or "nsid" for main

    std::vector<const Document*> documents() const;  // sorted by NSID, without those of the base

  private:
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    Result<void> resolve();
    // Where it stands, for errors; the same again on return.
    Result<void> resolve(Schema& schema, std::string& where);
    Result<void> resolve(RefSchema& ref, const std::string& where);
    Result<void> resolve(ObjectSchema& object, std::string& where);
    Result<void> resolve(Method& method, std::string& where);
    const Definition* definition(std::string_view name) const;

    Result<void> add(Document document);

    const Catalog* base_ = nullptr;
    std::unordered_map<std::string, std::unique_ptr<Document>, Hash, std::equal_to<>> by_nsid_;
};

}  // namespace roost::lexicon
