#include "atproto/lexicon/apply_defaults.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "atproto/lexicon/check_schema.h"

namespace roost::lexicon {
namespace {

using atproto::Array;
using atproto::Object;
using atproto::Value;

bool may_hold_defaults(const Schema& schema) {
    return schema.as<ObjectSchema>() != nullptr || schema.as<ArraySchema>() != nullptr ||
           schema.as<RefSchema>() != nullptr || schema.as<UnionSchema>() != nullptr;
}

const Schema* chosen(const UnionSchema& schema, const Value& value) {
    const Object* object = value.as<Object>();
    const Value* type = object == nullptr ? nullptr : object->find("$type");
    const std::string* name = type == nullptr ? nullptr : type->as<std::string>();
    if (name == nullptr) return nullptr;
    auto found = std::ranges::find(schema.refs, *name, &RefSchema::name);
    return found == schema.refs.end() ? nullptr : found->target;
}

}  // namespace

Change apply_defaults(const ObjectSchema& schema, Object& object) {
    Change change = Change::none;
    for (const Property& property : schema.properties) {
        const Value* member = object.find(property.name);
        if (member == nullptr) {
            if (!has_fallback(*property.schema)) continue;
            object.set(property.name, fallback_of(*property.schema));
            change = Change::made;
        } else if (may_hold_defaults(*property.schema)) {
            Value copy = *member;
            if (apply_defaults(*property.schema, copy) == Change::none) continue;
            object.set(property.name, std::move(copy));
            change = Change::made;
        }
    }
    return change;
}

Change apply_defaults(const Schema& schema, Value& value) {
    if (const auto* ref = schema.as<RefSchema>()) return apply_defaults(*ref->target, value);
    if (const auto* any_of = schema.as<UnionSchema>()) {
        const Schema* one = chosen(*any_of, value);
        return one == nullptr ? Change::none : apply_defaults(*one, value);
    }
    if (const auto* shape = schema.as<ObjectSchema>()) {
        auto* object = std::get_if<Object>(&value.variant());
        return object == nullptr ? Change::none : apply_defaults(*shape, *object);
    }
    if (const auto* list = schema.as<ArraySchema>()) {
        auto* array = std::get_if<Array>(&value.variant());
        if (array == nullptr) return Change::none;
        Change change = Change::none;
        for (Value& item : *array) {
            if (apply_defaults(*list->items, item) == Change::made) change = Change::made;
        }
        return change;
    }
    return Change::none;
}

}  // namespace roost::lexicon
