#include "atproto/lexicon/validate.h"

#include <optional>
#include <string>
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

// The message if the key is not one that the rule allows.
std::optional<std::string> key_issue(std::string_view rule, std::string_view key) {
    constexpr std::string_view literal = "literal:";
    if (rule.starts_with(literal)) {
        const std::string_view only = rule.substr(literal.size());
        if (key == only) return std::nullopt;
        return wrong_value({only}, atproto::Value(key));
    }
    const StringFormat format = rule == "tid"    ? StringFormat::tid
                                : rule == "nsid" ? StringFormat::nsid
                                                 : StringFormat::record_key;
    if (is_format(format, key)) return std::nullopt;
    return wrong_format(format, atproto::Value(key));
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

Result<void> validate_record(const Record& rules, const RecordView& record) {
    const ObjectSchema* shape = rules.schema.as<ObjectSchema>();
    check(shape != nullptr, "the schema of a record is an object");
    if (const auto issue = key_issue(rules.key, record.key))
        return Error::invalid("Invalid record key for " + shape->type_name + ": " + *issue +
                              " at $");
    const auto refuse = [&](const std::string& message, std::string_view place) {
        return Error::invalid("Invalid " + shape->type_name + " record: " + message + " at " +
                              std::string(record.place) + std::string(place));
    };
    const atproto::Object* object = record.value.as<atproto::Object>();
    if (object != nullptr && object->find("$type") == nullptr)
        return refuse("Missing required key \"$type\"", "");
    SchemaCheck check(Defaults::demand, record.legacy_blobs);
    if (check.obeys(record.value, rules.schema, nullptr)) return {};
    return refuse(check.issue().message, std::string_view(check.issue().place).substr(1));
}

Result<RecordStatus> validate_record(const Catalog& catalog, std::string_view collection,
                                     const RecordView& record) {
    const Record* rules = catalog.record(collection);
    if (rules == nullptr) return RecordStatus::unknown;
    TRY(validate_record(*rules, record));
    return RecordStatus::valid;
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
