// Bytes that are not text, and the crossings between the two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(std::string_view text) {
    ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}
inline void append(Bytes& to, ByteView more) {
    to.insert(to.end(), more.begin(), more.end());
}

}  // namespace roost
