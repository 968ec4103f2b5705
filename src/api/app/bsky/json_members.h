// Members of what another server answered, of which nothing is known for sure.
#pragma once

#include <string>
#include <string_view>

#include "atproto/data/value.h"

namespace roost::api {

// Null if there is no such member, or it is something else.
template <class T>
const T* member(const atproto::Object& object, std::string_view name) {
    const atproto::Value* value = object.find(name);
    return value != nullptr ? value->as<T>() : nullptr;
}
// Empty, then.
inline std::string_view text_member(const atproto::Object& object, std::string_view name) {
    const auto* text = member<std::string>(object, name);
    return text != nullptr ? std::string_view(*text) : std::string_view();
}
inline bool is_of_type(const atproto::Object& object, std::string_view type) {
    return text_member(object, "$type") == type;
}
// The object that several names lead to, or null.
template <class... Names>
const atproto::Object* object_at(const atproto::Object& object, std::string_view name,
                                 Names... names) {
    const auto* found = member<atproto::Object>(object, name);
    if constexpr (sizeof...(names) == 0)
        return found;
    else
        return found != nullptr ? object_at(*found, names...) : nullptr;
}

}  // namespace roost::api
