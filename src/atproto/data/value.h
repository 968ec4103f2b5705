// A value of the atproto data model: what a record, a request body or a CBOR block holds.
//
// Null, boolean, 64-bit integer, text (valid UTF-8), bytes, link, array, object. No floats. Objects
// keep the order in which they were built; encoders sort as their format demands. A blob reference
// is an object with $type "blob" (see blob_ref.h when it comes).
// https://atproto.com/specs/data-model
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "atproto/data/cid.h"
#include "base/bytes.h"

namespace roost::atproto {

class Value;
using Array = std::vector<Value>;

// The members of an object, few enough that a scan beats a tree. Keys are unique: set() replaces,
// and the parsers refuse duplicates.
class Object {
  public:
    using Member = std::pair<std::string, Value>;

    Object();
    Object(std::initializer_list<Member> members);
    Object(const Object&);
    Object(Object&&) noexcept;
    Object& operator=(const Object&);
    Object& operator=(Object&&) noexcept;
    ~Object();

    const Value* find(std::string_view key) const;  // null if absent
    void set(std::string key, Value value);
    // Only for parsers that have made sure the key is new. Returns the value in its place.
    Value& append_unique(std::string key, Value value);
    void reserve(std::size_t size);
    bool erase(std::string_view key);
    std::size_t size() const;
    bool empty() const { return size() == 0; }
    const Member* begin() const;
    const Member* end() const;

    // Equal members in any order.
    friend bool operator==(const Object&, const Object&);

  private:
    std::vector<Member> members_;
};

class Value {
  public:
    using Variant =
        std::variant<std::nullptr_t, bool, std::int64_t, std::string, Bytes, Cid, Array, Object>;

    Value() : data_(nullptr) {}
    Value(std::nullptr_t) : data_(nullptr) {}
    template <class B>
        requires std::is_same_v<B, bool>
    Value(B value) : data_(value) {}
    template <class I>
        requires(std::is_integral_v<I> && !std::is_same_v<I, bool> && !std::is_same_v<I, char>)
    Value(I value) : data_(static_cast<std::int64_t>(value)) {}
    Value(std::string value) : data_(std::move(value)) {}
    Value(std::string_view value) : data_(std::string(value)) {}
    Value(const char* value) : data_(std::string(value)) {}
    Value(Bytes value) : data_(std::move(value)) {}
    Value(Cid value) : data_(value) {}
    Value(Array value) : data_(std::move(value)) {}
    Value(Object value) : data_(std::move(value)) {}

    // The content if the value is of that kind, else null.
    template <class T>
    const T* as() const {
        return std::get_if<T>(&data_);
    }
    bool is_null() const { return data_.index() == 0; }
    const Variant& variant() const { return data_; }
    Variant& variant() { return data_; }

    friend bool operator==(const Value&, const Value&) = default;

  private:
    Variant data_;
};

}  // namespace roost::atproto
