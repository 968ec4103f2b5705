#include "atproto/data/value.h"

#include <algorithm>

namespace roost::atproto {

Object::Object() = default;
Object::Object(const Object&) = default;
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(const Object&) = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

Object::Object(std::initializer_list<Member> members) {
    members_.reserve(members.size());
    for (const Member& member : members)
        set(member.first, member.second);
}

const Value* Object::find(std::string_view key) const {
    for (const Member& member : members_)
        if (member.first == key) return &member.second;
    return nullptr;
}

void Object::set(std::string key, Value value) {
    for (Member& member : members_) {
        if (member.first == key) {
            member.second = std::move(value);
            return;
        }
    }
    append_unique(std::move(key), std::move(value));
}

Value& Object::append_unique(std::string key, Value value) {
    return members_.emplace_back(std::move(key), std::move(value)).second;
}

void Object::reserve(std::size_t size) {
    members_.reserve(size);
}

bool Object::erase(std::string_view key) {
    return std::erase_if(members_, [key](const Member& m) { return m.first == key; }) > 0;
}

std::size_t Object::size() const {
    return members_.size();
}
const Object::Member* Object::begin() const {
    return members_.data();
}
const Object::Member* Object::end() const {
    return members_.data() + members_.size();
}

// Every pair of values is compared once: comparing again in another order would double the work at
// each level of nesting.
bool operator==(const Object& a, const Object& b) {
    if (a.size() != b.size()) return false;
    auto key = [](const Object::Member* member) -> const std::string& { return member->first; };
    std::vector<const Object::Member*> members_a, members_b;
    for (const Object::Member& member : a.members_)
        members_a.push_back(&member);
    for (const Object::Member& member : b.members_)
        members_b.push_back(&member);
    if (!std::ranges::equal(members_a, members_b, {}, key, key)) {
        std::ranges::sort(members_a, {}, key);
        std::ranges::sort(members_b, {}, key);
    }
    return std::ranges::equal(members_a, members_b,
                              [](const auto* x, const auto* y) { return *x == *y; });
}

}  // namespace roost::atproto
