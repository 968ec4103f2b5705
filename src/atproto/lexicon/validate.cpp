#include "atproto/lexicon/validate.h"

#include <utility>

#include "atproto/lexicon/apply_defaults.h"
#include "atproto/lexicon/check_schema.h"
#include "base/check.h"

namespace roost::lexicon {
namespace {

const Method& known_method(const Catalog& catalog, std::string_view nsid) {
    const Method* method = catalog.method(nsid);
    check(method != nullptr, "the catalog has every method that this house serves");
    return *method;
}

Error refused(const Issue& issue) {
    return Error::invalid(issue.message + " at " + issue.place);
}

}  // namespace

Result<void> validate_input(const Method& method, atproto::Value& input) {
    if (!method.input || !method.input->schema) return {};
    SchemaCheck check(Defaults::supply);
    if (!check.obeys(input, *method.input->schema, nullptr)) return refused(check.issue());
    if (check.misses_defaults()) apply_defaults(*method.input->schema, input);
    return {};
}

Result<void> validate_output(const Method& method, const atproto::Value& output) {
    if (!method.output || !method.output->schema) return {};
    return validate(*method.output->schema, output);
}

Result<void> validate(const Schema& schema, const atproto::Value& value) {
    SchemaCheck check(Defaults::demand);
    if (!check.obeys(value, schema, nullptr)) return refused(check.issue());
    return {};
}

Result<void> validate_input(const Catalog& catalog, std::string_view nsid, atproto::Value& input) {
    return validate_input(known_method(catalog, nsid), input);
}

Result<void> validate_output(const Catalog& catalog, std::string_view nsid,
                             const atproto::Value& output) {
    return validate_output(known_method(catalog, nsid), output);
}

Result<atproto::Object> parse_params(const Catalog& catalog, std::string_view nsid,
                                     std::string_view query) {
    return parse_params(known_method(catalog, nsid), query);
}

}  // namespace roost::lexicon
