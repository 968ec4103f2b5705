#include "net/ssrf_guard.h"

#include <algorithm>

namespace roost::net {

namespace {

struct Range {
    std::array<std::uint8_t, 6> prefix;
    int bits;
};

bool is_within(const std::uint8_t* address, const Range& range) {
    const int whole = range.bits / 8;
    if (!std::equal(address, address + whole, range.prefix.begin())) return false;
    const int rest = range.bits % 8;
    if (rest == 0) return true;
    const auto at = static_cast<std::size_t>(whole);
    return ((address[at] ^ range.prefix[at]) >> (8 - rest)) == 0;
}

constexpr Range v4_special[] = {
    {{0}, 8},              // this network
    {{10}, 8},             // private
    {{100, 64}, 10},       // shared by carriers (CGNAT)
    {{127}, 8},            // loopback
    {{169, 254}, 16},      // link-local, cloud metadata
    {{172, 16}, 12},       // private
    {{192, 0, 0}, 24},     // protocol assignments
    {{192, 0, 2}, 24},     // documentation
    {{192, 31, 196}, 24},  // AS112
    {{192, 52, 193}, 24},  // multicast tunnels
    {{192, 88, 99}, 24},   // 6to4 relays
    {{192, 168}, 16},      // private
    {{192, 175, 48}, 24},  // AS112
    {{198, 18}, 15},       // benchmarks
    {{198, 51, 100}, 24},  // documentation
    {{203, 0, 113}, 24},   // documentation
    {{224}, 4},            // multicast
    {{240}, 4},            // reserved, broadcast
};

// Of IPv6 only 2000::/3 is given out at all; these parts of it are special.
constexpr Range v6_global = {{0x20}, 3};
constexpr Range v6_special[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23},              // protocol assignments, Teredo, benchmarks, ORCHID
    {{0x20, 0x01, 0x0d, 0xb8}, 32},              // documentation
    {{0x20, 0x02}, 16},                          // 6to4
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48},  // AS112
    {{0x3f, 0xff, 0x00}, 20},                    // documentation
};

}  // namespace

bool is_public_unicast(const IpAddress& address) {
    const auto contains = [](const std::uint8_t* bytes) {
        return [bytes](const Range& range) { return is_within(bytes, range); };
    };
    if (address.is_v4())
        return !std::ranges::any_of(v4_special, contains(address.bytes.data() + 12));
    const std::uint8_t* bytes = address.bytes.data();
    return is_within(bytes, v6_global) && !std::ranges::any_of(v6_special, contains(bytes));
}

}  // namespace roost::net
