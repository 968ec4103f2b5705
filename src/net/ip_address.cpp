#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "net/http.h"

namespace roost::net {

namespace {
constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    // The longest: eight groups, or six and an IPv4 address.
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::ranges::copy(text, terminated.begin());
    IpAddress address;
    if (inet_pton(AF_INET, terminated.data(), address.bytes.data() + 12) == 1) {
        std::ranges::copy(mapped_prefix, address.bytes.begin());
        return address;
    }
    if (inet_pton(AF_INET6, terminated.data(), address.bytes.data()) == 1) return address;
    return std::nullopt;
}

bool IpAddress::is_v4() const {
    return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
}

std::string IpAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_v4())
        inet_ntop(AF_INET, bytes.data() + 12, text.data(), text.size());
    else
        inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
    return text.data();
}

IpAddress IpAddress::network() const {
    IpAddress network = *this;
    if (!is_v4()) std::fill(network.bytes.begin() + 8, network.bytes.end(), std::uint8_t{0});
    return network;
}

}  // namespace roost::net
