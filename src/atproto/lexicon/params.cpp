// parse_params() of validate.h.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "atproto/lexicon/apply_defaults.h"
#include "atproto/lexicon/check_schema.h"
#include "atproto/lexicon/query_string.h"
#include "atproto/lexicon/validate.h"

namespace roost::lexicon {
namespace {

using atproto::Array;
using atproto::Object;
using atproto::Value;

bool is_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// The text as what the schema says. A text that cannot be it stays text: the check refuses it then,
// and quotes it.
Value typed(std::string text, const Schema& schema) {
    if (schema.as<BooleanSchema>() != nullptr) {
        if (text == "true") return Value(true);
        if (text == "false") return Value(false);
    } else if (schema.as<IntegerSchema>() != nullptr) {
        std::int64_t number = 0;
        const bool is_number =
            is_digits(std::string_view(text).substr(text.starts_with('-') ? 1 : 0));
        const char* end = text.data() + text.size();
        if (is_number && std::from_chars(text.data(), end, number).ec == std::errc())
            return Value(number);
    }
    return Value(std::move(text));
}

Error refused(const Method& method, const Issue& issue) {
    return Error::invalid("Invalid " + method.nsid + " params: " + issue.message);
}

}  // namespace

Result<Object> parse_params(const Method& method, std::string_view query) {
    const std::vector<Property>& properties = method.parameters.properties;
    Object out;
    out.reserve(properties.size());  // so that what is in it stays where it is
    std::vector<Value*> given(properties.size());
    QueryString pairs(query);
    while (pairs.take()) {
        if (pairs.value().empty()) continue;
        const auto property = std::ranges::find(properties, pairs.name(), &Property::name);
        if (property == properties.end()) continue;
        const ArraySchema* array = property->schema->as<ArraySchema>();
        Value value =
            typed(pairs.take_value(), array == nullptr ? *property->schema : *array->items);
        Value*& place = given[static_cast<std::size_t>(property - properties.begin())];
        if (place == nullptr && array == nullptr) {
            place = &out.append_unique(property->name, std::move(value));
            continue;
        }
        if (place == nullptr) place = &out.append_unique(property->name, Value(Array()));
        // A scalar given twice becomes an array, which the check refuses.
        if (place->as<Array>() == nullptr) *place = Value(Array{*place});
        std::get<Array>(place->variant()).push_back(std::move(value));
    }
    SchemaCheck check(Defaults::supply);
    if (!check.obeys(out, method.parameters, nullptr)) return refused(method, check.issue());
    if (check.misses_defaults()) apply_defaults(method.parameters, out);
    return out;
}

}  // namespace roost::lexicon
