// A lexicon of a stranger, and a record that is said to obey it: neither may break anything, take
// long, or get in the place of a document of ours. The input is JSON of both, {"document",
// "record"}.
#include <optional>
#include <utility>

#include "atproto/data/json.h"
#include "atproto/lexicon/closure.h"
#include "atproto/lexicon/validate.h"
#include "base/check.h"
#include "lexicon/embedded_documents.h"

namespace {

using namespace roost;

const atproto::Value* member(const atproto::Value& input, std::string_view name) {
    const auto* object = input.as<atproto::Object>();
    return object != nullptr ? object->find(name) : nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto house = lexicon::Catalog::of(lexicon::embedded_documents());
    check(house.has_value(), "the embedded documents are a catalog");
    const Result<atproto::Value> input = atproto::json::parse(as_text({data, size}));
    if (!input.has_value()) return 0;
    const atproto::Value* json = member(*input, "document");
    const atproto::Value* record = member(*input, "record");
    if (json == nullptr || record == nullptr) return 0;
    Result<lexicon::Document> parsed = lexicon::parse_document(*json, lexicon::Extras::ignored);
    if (!parsed.has_value()) return 0;

    const std::string nsid = parsed->id;
    lexicon::Closure closure(*house, nsid);
    std::optional<lexicon::Document> document = *std::move(parsed);
    while (const std::optional<std::string> wanted = closure.wanted()) {
        check(house->document(*wanted) == nullptr, "ours are not asked for");
        if (*wanted == nsid && document)
            closure.add(*std::exchange(document, std::nullopt));
        else
            closure.give_up(*wanted, Error::invalid("there is none"));
    }
    const Result<lexicon::Catalog> rules = closure.finish();
    if (!rules.has_value()) return 0;
    if (const lexicon::Record* ours = house->record(nsid))
        check(rules->record(nsid) == ours, "ours are not replaced");
    const auto status = lexicon::validate_record(*rules, nsid, {.key = "self", .value = *record});
    check(!status.has_value() || *status == lexicon::RecordStatus::valid, "the rules are known");
    return 0;
}
