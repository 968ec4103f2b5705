#include <algorithm>
#include <limits>

#include "atproto/data/cbor.h"
#include "atproto/data/cbor_wire.h"
#include "atproto/data/utf8.h"

namespace roost::atproto::cbor {

namespace {

// Room that an array or object gets ahead of its items. A declared count is only a claim: beyond
// this, memory grows with the items that are really there.
constexpr std::uint64_t reserved_items_max = 32;

// Reads items from the front of the input. Every function that returns bool is false when the input
// is refused, and then error() says why.
class Decoder {
  public:
    explicit Decoder(ByteView input) : input_(input) {}

    // depth: how many arrays and maps the item is in.
    bool read_item(Value& value, int depth);
    std::size_t position() const { return position_; }
    bool is_at_end() const { return position_ == input_.size(); }
    bool refuse(std::string_view why) {
        why_ = why;
        return false;
    }
    Error error() const {
        return Error::invalid("Invalid CBOR at byte " + std::to_string(position_) + ": " +
                              std::string(why_));
    }

  private:
    struct Head {
        std::uint8_t major;
        std::uint64_t argument;
    };

    std::size_t left() const { return input_.size() - position_; }
    bool read_head(Head& head);
    bool read_wide_argument(std::uint8_t width_code, std::uint64_t& argument);
    bool read_string(std::uint64_t size, ByteView& bytes);
    bool read_text(std::uint64_t size, std::string_view& text);
    bool read_array(Array& array, std::uint64_t count, int depth);
    bool read_object(Object& object, std::uint64_t count, int depth);
    bool read_link(Value& value, std::uint64_t tag);
    bool read_simple(Value& value, std::uint64_t number);

    ByteView input_;
    std::size_t position_ = 0;
    std::string_view why_;
};

bool Decoder::read_head(Head& head) {
    if (left() == 0) return refuse("the input ends within an item");
    const std::uint8_t first = input_[position_];
    const auto info = static_cast<std::uint8_t>(first & 0x1f);
    head = {static_cast<std::uint8_t>(first >> 5), info};
    if (info >= 24) {
        if (head.major == major_simple) return refuse("floats and simple values are not allowed");
        if (info > 27) return refuse("indefinite lengths are not allowed");
        return read_wide_argument(info, head.argument);
    }
    ++position_;
    return true;
}

bool Decoder::read_wide_argument(std::uint8_t width_code, std::uint64_t& argument) {
    const std::size_t width = std::size_t{1} << (width_code - 24);
    if (left() < 1 + width) return refuse("the input ends within an item");
    argument = 0;
    for (std::size_t i = 0; i < width; ++i)
        argument = argument << 8 | input_[position_ + 1 + i];
    const std::uint64_t smallest = width == 1 ? 24 : std::uint64_t{1} << (4 * width);
    if (argument < smallest) return refuse("a number is not in its shortest form");
    position_ += 1 + width;
    return true;
}

bool Decoder::read_string(std::uint64_t size, ByteView& bytes) {
    if (size > left()) return refuse("a string is longer than the input");
    bytes = input_.subspan(position_, size);
    position_ += size;
    return true;
}

bool Decoder::read_text(std::uint64_t size, std::string_view& text) {
    ByteView bytes;
    if (!read_string(size, bytes)) return false;
    text = as_text(bytes);
    return is_utf8(text) || refuse("a text is not UTF-8");
}

bool Decoder::read_array(Array& array, std::uint64_t count, int depth) {
    if (depth == max_depth) return refuse("nested too deeply");
    if (count > left()) return refuse("an array has more items than the input");
    array.reserve(std::min(count, reserved_items_max));
    for (std::uint64_t i = 0; i < count; ++i)
        if (!read_item(array.emplace_back(), depth + 1)) return false;
    return true;
}

bool Decoder::read_object(Object& object, std::uint64_t count, int depth) {
    if (depth == max_depth) return refuse("nested too deeply");
    if (count > left() / 2) return refuse("a map has more items than the input");
    object.reserve(std::min(count, reserved_items_max));
    std::string_view previous;
    for (std::uint64_t i = 0; i < count; ++i) {
        Head head;
        std::string_view key;
        if (!read_head(head)) return false;
        if (head.major != major_text) return refuse("a map key is not a text");
        if (!read_text(head.argument, key)) return false;
        if (i > 0) {
            if (key == previous) return refuse("a map has the same key twice");
            if (key.size() < previous.size() || (key.size() == previous.size() && key < previous))
                return refuse("the keys of a map are not in order");
        }
        previous = key;
        if (!read_item(object.append_unique(std::string(key), Value()), depth + 1)) return false;
    }
    return true;
}

bool Decoder::read_link(Value& value, std::uint64_t tag) {
    if (tag != cid_tag) return refuse("a tag other than 42");
    Head head;
    ByteView bytes;
    if (!read_head(head)) return false;
    if (head.major != major_bytes) return refuse("a link is not a byte string");
    if (!read_string(head.argument, bytes)) return false;
    if (bytes.empty() || bytes[0] != cid_prefix) return refuse("a link does not begin with zero");
    auto cid = Cid::from_binary(bytes.subspan(cid_prefix_size));
    if (!cid) return refuse("a link is not a version 1 CID with SHA-256");
    value.variant().emplace<Cid>(*cid);
    return true;
}

bool Decoder::read_simple(Value& value, std::uint64_t number) {
    switch (number) {
        case simple_false:
        case simple_true:
            value.variant().emplace<bool>(number == simple_true);
            return true;
        case simple_null:
            value.variant().emplace<std::nullptr_t>();
            return true;
        default:
            return refuse("floats and simple values are not allowed");
    }
}

bool Decoder::read_item(Value& value, int depth) {
    Head head;
    if (!read_head(head)) return false;
    const std::uint64_t argument = head.argument;
    switch (head.major) {
        case major_unsigned:
        case major_negative: {
            if (argument > std::numeric_limits<std::int64_t>::max())
                return refuse("an integer beyond 64 bits");
            const auto number = static_cast<std::int64_t>(argument);
            value.variant().emplace<std::int64_t>(head.major == major_unsigned ? number : ~number);
            return true;
        }
        case major_bytes: {
            ByteView bytes;
            if (!read_string(argument, bytes)) return false;
            value.variant().emplace<Bytes>(bytes.begin(), bytes.end());
            return true;
        }
        case major_text: {
            std::string_view text;
            if (!read_text(argument, text)) return false;
            value.variant().emplace<std::string>(text);
            return true;
        }
        case major_array:
            return read_array(value.variant().emplace<Array>(), argument, depth);
        case major_map:
            return read_object(value.variant().emplace<Object>(), argument, depth);
        case major_tag:
            return read_link(value, argument);
        default:
            return read_simple(value, argument);
    }
}

}  // namespace

Result<Prefix> decode_prefix(ByteView bytes) {
    Decoder decoder(bytes);
    Prefix prefix{};
    if (!decoder.read_item(prefix.value, 0)) return decoder.error();
    prefix.size = decoder.position();
    return prefix;
}

Result<Value> decode(ByteView bytes) {
    Decoder decoder(bytes);
    Value value;
    if (!decoder.read_item(value, 0)) return decoder.error();
    if (!decoder.is_at_end()) {
        decoder.refuse("more bytes after the item");
        return decoder.error();
    }
    return value;
}

}  // namespace roost::atproto::cbor
