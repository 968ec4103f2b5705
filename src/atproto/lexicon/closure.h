// The rules of one record, with all that they refer to, gathered document by document: for records
// whose lexicon is not of this house.
//
//     Closure closure(house_catalog, "com.example.note");
//     while (const std::optional<std::string> nsid = closure.wanted())
//         … closure.add(document) or closure.give_up(*nsid, why) …
//     Catalog rules = TRY(closure.finish());
//
// Follows only references that the record's own definition can reach, and keeps only definitions
// that it reached. Pure; one thread.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/lexicon/catalog.h"
#include "atproto/lexicon/document.h"
#include "base/result.h"

namespace roost::lexicon {

class Closure {
  public:
    // The base must outlive the catalog that finish() makes.
    Closure(const Catalog& base, std::string nsid);

    // The NSID of a document that is needed, as a reference spells it; nothing: that was all.
    std::optional<std::string> wanted() const;
    // It must be the one that is wanted.
    void add(Document document);
    // There is no such document, or it cannot be had.
    void give_up(const std::string& nsid, const Error& why);

    // What an open union refers to in vain is left out of it: data of types that nobody knows is
    // allowed there. Errors: Fault::invalid: another reference leads nowhere; the main definition
    // is no record.
    Result<Catalog> finish();

  private:
    void note(const std::string& name);
    void note(const Schema& schema);
    void follow();
    bool is_there(std::string_view name) const;
    void prune(Schema& schema) const;

    const Catalog& base_;
    const std::string nsid_;
    std::map<std::string, Document, std::less<>> documents_;
    std::map<std::string, std::string, std::less<>> absent_;               // and why
    std::map<std::string, std::vector<std::string>, std::less<>> wanted_;  // and which definitions
    // Names, "nsid" or "nsid#name". A list, as chains of references may be long.
    std::set<std::string, std::less<>> reached_;
    std::deque<std::string> to_follow_;
};

}  // namespace roost::lexicon
