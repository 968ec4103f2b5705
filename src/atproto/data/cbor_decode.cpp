#include <algorithm>

#include "atproto/data/cbor.h"
#include "atproto/data/cbor_reader.h"

namespace roost::atproto::cbor {

namespace {

// Room that an array or object gets ahead of its items. A declared count is only a claim: beyond
// this, memory grows with the items that are really there.
constexpr std::uint64_t reserved_items_max = 32;

// Builds values.
struct ValueSink {
    using Slot = Value*;

    void null(Slot slot) { slot->variant().emplace<std::nullptr_t>(); }
    void boolean(Slot slot, bool value) { slot->variant().emplace<bool>(value); }
    void integer(Slot slot, std::int64_t number) { slot->variant().emplace<std::int64_t>(number); }
    void text(Slot slot, std::string_view text) { slot->variant().emplace<std::string>(text); }
    void bytes(Slot slot, ByteView bytes) {
        slot->variant().emplace<Bytes>(bytes.begin(), bytes.end());
    }
    void link(Slot slot, const Cid& cid) { slot->variant().emplace<Cid>(cid); }

    Array& array(Slot slot, std::uint64_t count) {
        Array& array = slot->variant().emplace<Array>();
        array.reserve(std::min(count, reserved_items_max));
        return array;
    }
    Object& object(Slot slot, std::uint64_t count) {
        Object& object = slot->variant().emplace<Object>();
        object.reserve(std::min(count, reserved_items_max));
        return object;
    }
    Slot item(Array& array) { return &array.emplace_back(); }
    Slot member(Object& object, std::string_view key) {
        return &object.append_unique(std::string(key), Value());
    }
    void end(Array&) {}
    void end(Object&) {}
};

}  // namespace

Result<Prefix> decode_prefix(ByteView bytes) {
    ValueSink sink;
    Reader reader(bytes, sink);
    Prefix prefix{};
    if (!reader.read_item(&prefix.value, 0)) return reader.error();
    prefix.size = reader.position();
    return prefix;
}

Result<Value> decode(ByteView bytes) {
    ValueSink sink;
    Reader reader(bytes, sink);
    Value value;
    if (!reader.read_all(&value)) return reader.error();
    return value;
}

}  // namespace roost::atproto::cbor
