// Random values of the data model, for property tests and the benchmark of data/. Test code only.
#pragma once

#include <random>
#include <string>

#include "atproto/data/value.h"

namespace roost::atproto {

class RandomValues {
  public:
    explicit RandomValues(std::uint32_t seed) : random_(seed) {}

    Value value(int depth_max) {
        switch (below(depth_max > 0 ? 9 : 7)) {
            case 0:
                return nullptr;
            case 1:
                return below(2) == 0;
            case 2:
                return integer();
            case 3:
            case 4:
                return text();
            case 5:
                return bytes();
            case 6:
                return Cid::of(below(2) == 0 ? Codec::raw : Codec::dag_cbor, bytes());
            case 7:
                return array(depth_max - 1);
            default:
                return object(depth_max - 1);
        }
    }
    Object object(int depth_max) {
        Object object;
        // Now and then more than the encoders keep on the stack.
        const std::size_t size = below(20) == 0 ? 40 : below(6);
        for (std::size_t i = 0; i < size; ++i)
            object.set(text(), value(depth_max));
        // These two keys mean something else in JSON.
        object.erase("$link");
        object.erase("$bytes");
        return object;
    }

  private:
    std::size_t below(std::size_t bound) { return random_() % bound; }
    std::int64_t integer() {
        const auto bits = static_cast<std::int64_t>(random_()) >> below(64);
        return below(2) == 0 ? bits : ~bits;
    }
    std::string text() {
        constexpr std::string_view pieces[] = {"a",
                                               "b",
                                               "$type",
                                               "\"",
                                               "\\",
                                               "\n",
                                               "\x01",
                                               "\x1f",
                                               "\x7f",
                                               "/",
                                               "longer plain text",
                                               "\xc3\xa9",
                                               "\xe2\x80\xa8",
                                               "\xf0\x9f\xa6\x86",
                                               std::string_view("\0", 1)};
        std::string text;
        for (std::size_t i = below(7); i > 0; --i)
            text += pieces[below(std::size(pieces))];
        return text;
    }
    Bytes bytes() {
        Bytes bytes(below(10) == 0 ? 300 : below(8));
        for (std::uint8_t& byte : bytes)
            byte = static_cast<std::uint8_t>(random_());
        return bytes;
    }
    Array array(int depth_max) {
        Array array;
        for (std::size_t i = below(5); i > 0; --i)
            array.push_back(value(depth_max));
        return array;
    }

    std::mt19937_64 random_;
};

}  // namespace roost::atproto
