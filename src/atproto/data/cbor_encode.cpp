#include <algorithm>
#include <array>
#include <bit>

#include "atproto/data/cbor.h"
#include "atproto/data/cbor_wire.h"
#include "base/check.h"

namespace roost::atproto::cbor {

namespace {

using Member = Object::Member;

// The canonical order of map keys: the shorter first, then bytewise.
bool comes_before(const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

void append_item(Bytes& out, const Value& value, int depth);

void append_member(Bytes& out, const Member& member, int depth) {
    append_text(out, member.first);
    append_item(out, member.second, depth);
}

void append_sorted(Bytes& out, std::span<const Member*> order, const Object& object, int depth) {
    std::ranges::transform(object, order.begin(), [](const Member& member) { return &member; });
    std::ranges::sort(
        order, [](const Member* a, const Member* b) { return comes_before(a->first, b->first); });
    for (const Member* member : order)
        append_member(out, *member, depth);
}

void append_object(Bytes& out, const Object& object, int depth) {
    append_head(out, major_map, object.size());
    auto before = [](const Member& a, const Member& b) { return comes_before(a.first, b.first); };
    if (std::ranges::is_sorted(object, before)) {
        for (const Member& member : object)
            append_member(out, member, depth);
        return;
    }
    std::array<const Member*, 16> few;
    if (object.size() <= few.size()) {
        append_sorted(out, std::span(few).first(object.size()), object, depth);
    } else {
        std::vector<const Member*> many(object.size());
        append_sorted(out, many, object, depth);
    }
}

struct ItemAppender {
    Bytes& out;
    int depth;  // of the item: 1 for the outermost

    void operator()(std::nullptr_t) const { append_null(out); }
    void operator()(bool value) const { append_bool(out, value); }
    void operator()(std::int64_t number) const { append_int(out, number); }
    void operator()(const std::string& text) const { append_text(out, text); }
    void operator()(const Bytes& bytes) const { append_bytes(out, bytes); }
    void operator()(const Cid& cid) const { append_cid(out, cid); }
    void operator()(const Array& array) const {
        append_head(out, major_array, array.size());
        for (const Value& item : array)
            append_item(out, item, depth + 1);
    }
    void operator()(const Object& object) const { append_object(out, object, depth + 1); }
};

void append_item(Bytes& out, const Value& value, int depth) {
    check(depth <= written_depth_max + 1, "a value to be written is of bounded depth");
    std::visit(ItemAppender{out, depth}, value.variant());
}

}  // namespace

Bytes encode(const Value& value) {
    Bytes out;
    out.reserve(1024);
    encode_to(out, value);
    return out;
}

void encode_to(Bytes& out, const Value& value) {
    append_item(out, value, 1);
}

void append_head(Bytes& out, std::uint8_t major, std::uint64_t argument) {
    const auto type = static_cast<std::uint8_t>(major << 5);
    if (argument < 24) {
        out.push_back(static_cast<std::uint8_t>(type | argument));
        return;
    }
    // The width is 1, 2, 4 or 8 bytes: 1 << log.
    const int log = argument <= 0xff ? 0 : argument <= 0xffff ? 1 : argument <= 0xffff'ffff ? 2 : 3;
    const std::size_t width = std::size_t{1} << log;
    std::array<std::uint8_t, 9> head{static_cast<std::uint8_t>(type | (24 + log))};
    for (std::size_t i = 0; i < width; ++i)
        head[i + 1] = static_cast<std::uint8_t>(argument >> (8 * (width - 1 - i)));
    append(out, std::span(head).first(width + 1));
}

void append_text(Bytes& out, std::string_view text) {
    append_head(out, major_text, text.size());
    append(out, as_bytes(text));
}

void append_bytes(Bytes& out, ByteView bytes) {
    append_head(out, major_bytes, bytes.size());
    append(out, bytes);
}

void append_int(Bytes& out, std::int64_t number) {
    if (number >= 0)
        append_head(out, major_unsigned, static_cast<std::uint64_t>(number));
    else
        append_head(out, major_negative, ~static_cast<std::uint64_t>(number));
}

void append_cid(Bytes& out, const Cid& cid) {
    append_head(out, major_tag, cid_tag);
    append_head(out, major_bytes, cid_prefix_size + Cid::binary_size);
    out.push_back(cid_prefix);
    append(out, cid.binary());
}

void append_null(Bytes& out) {
    append_head(out, major_simple, simple_null);
}

void append_bool(Bytes& out, bool value) {
    append_head(out, major_simple, value ? simple_true : simple_false);
}

}  // namespace roost::atproto::cbor
