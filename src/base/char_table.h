// A class of characters as a table, for texts that every request brings.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace roost {

class CharTable {
  public:
    // is_member is asked of every char, so negative ones too.
    template <class IsMember>
    consteval explicit CharTable(IsMember is_member) {
        for (int c = 0; c < 256; ++c)
            is_member_[static_cast<std::size_t>(c)] = is_member(static_cast<char>(c));
    }
    constexpr bool has(char c) const { return is_member_[static_cast<unsigned char>(c)]; }
    constexpr bool has_all_of(std::string_view text) const {
        for (const char c : text)
            if (!has(c)) return false;
        return true;
    }

  private:
    std::array<bool, 256> is_member_{};
};

}  // namespace roost
