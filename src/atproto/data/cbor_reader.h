// Reads DAG-CBOR strictly and tells a sink what there is: the one reader behind all that is made of
// CBOR. See cbor.h for what is accepted. Private to this folder.
//
// A Sink has a Slot, where an item goes, and
//     void null(Slot), boolean(Slot, bool), integer(Slot, std::int64_t), text(Slot, string_view),
//          bytes(Slot, ByteView), link(Slot, const Cid&)
//     Series array(Slot, count), object(Slot, count)   with at most `count` items
//     Slot item(Series&), member(Series&, std::string_view key)   the next one
//     void end(Series&)
// where a count is only a claim of the input, bounded by its size.
#pragma once

#include <limits>
#include <string>
#include <string_view>

#include "atproto/data/cbor.h"
#include "atproto/data/cbor_wire.h"
#include "atproto/data/cid.h"
#include "atproto/data/utf8.h"

namespace roost::atproto::cbor {

// Reads items from the front of the input. Every function that returns bool is false when the input
// is refused, and then error() says why.
template <class Sink>
class Reader {
  public:
    using Slot = typename Sink::Slot;
    Reader(ByteView input, Sink& sink) : input_(input), sink_(sink) {}

    // depth: how many arrays and maps the item is in.
    bool read_item(Slot slot, int depth);
    // The item, and nothing after it.
    bool read_all(Slot slot) {
        if (!read_item(slot, 0)) return false;
        return position_ == input_.size() || refuse("more bytes after the item");
    }
    std::size_t position() const { return position_; }
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
    bool read_array(Slot slot, std::uint64_t count, int depth);
    bool read_object(Slot slot, std::uint64_t count, int depth);
    bool read_link(Slot slot, std::uint64_t tag);
    bool read_simple(Slot slot, std::uint64_t number);

    ByteView input_;
    Sink& sink_;
    std::size_t position_ = 0;
    std::string_view why_;
};

template <class Sink>
bool Reader<Sink>::read_head(Head& head) {
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

template <class Sink>
bool Reader<Sink>::read_wide_argument(std::uint8_t width_code, std::uint64_t& argument) {
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

template <class Sink>
bool Reader<Sink>::read_string(std::uint64_t size, ByteView& bytes) {
    if (size > left()) return refuse("a string is longer than the input");
    bytes = input_.subspan(position_, size);
    position_ += size;
    return true;
}

template <class Sink>
bool Reader<Sink>::read_text(std::uint64_t size, std::string_view& text) {
    ByteView bytes;
    if (!read_string(size, bytes)) return false;
    text = as_text(bytes);
    return is_utf8(text) || refuse("a text is not UTF-8");
}

template <class Sink>
bool Reader<Sink>::read_array(Slot slot, std::uint64_t count, int depth) {
    if (depth == max_depth) return refuse("nested too deeply");
    if (count > left()) return refuse("an array has more items than the input");
    decltype(auto) series = sink_.array(slot, count);
    for (std::uint64_t i = 0; i < count; ++i)
        if (!read_item(sink_.item(series), depth + 1)) return false;
    sink_.end(series);
    return true;
}

template <class Sink>
bool Reader<Sink>::read_object(Slot slot, std::uint64_t count, int depth) {
    if (depth == max_depth) return refuse("nested too deeply");
    if (count > left() / 2) return refuse("a map has more items than the input");
    decltype(auto) series = sink_.object(slot, count);
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
        if (!read_item(sink_.member(series, key), depth + 1)) return false;
    }
    sink_.end(series);
    return true;
}

template <class Sink>
bool Reader<Sink>::read_link(Slot slot, std::uint64_t tag) {
    if (tag != cid_tag) return refuse("a tag other than 42");
    Head head;
    ByteView bytes;
    if (!read_head(head)) return false;
    if (head.major != major_bytes) return refuse("a link is not a byte string");
    if (!read_string(head.argument, bytes)) return false;
    if (bytes.empty() || bytes[0] != cid_prefix) return refuse("a link does not begin with zero");
    auto cid = Cid::from_binary(bytes.subspan(cid_prefix_size));
    if (!cid) return refuse("a link is not a version 1 CID with SHA-256");
    sink_.link(slot, *cid);
    return true;
}

template <class Sink>
bool Reader<Sink>::read_simple(Slot slot, std::uint64_t number) {
    switch (number) {
        case simple_false:
        case simple_true:
            sink_.boolean(slot, number == simple_true);
            return true;
        case simple_null:
            sink_.null(slot);
            return true;
        default:
            return refuse("floats and simple values are not allowed");
    }
}

template <class Sink>
bool Reader<Sink>::read_item(Slot slot, int depth) {
    Head head;
    if (!read_head(head)) return false;
    const std::uint64_t argument = head.argument;
    switch (head.major) {
        case major_unsigned:
        case major_negative: {
            if (argument > std::numeric_limits<std::int64_t>::max())
                return refuse("an integer beyond 64 bits");
            const auto number = static_cast<std::int64_t>(argument);
            sink_.integer(slot, head.major == major_unsigned ? number : ~number);
            return true;
        }
        case major_bytes: {
            ByteView bytes;
            if (!read_string(argument, bytes)) return false;
            sink_.bytes(slot, bytes);
            return true;
        }
        case major_text: {
            std::string_view text;
            if (!read_text(argument, text)) return false;
            sink_.text(slot, text);
            return true;
        }
        case major_array:
            return read_array(slot, argument, depth);
        case major_map:
            return read_object(slot, argument, depth);
        case major_tag:
            return read_link(slot, argument);
        default:
            return read_simple(slot, argument);
    }
}

}  // namespace roost::atproto::cbor
