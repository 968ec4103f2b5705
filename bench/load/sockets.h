// Sockets on 127.0.0.1, which do not block. Functions throw std::system_error.
#pragma once

#include <cstdint>

namespace roost::load {

int listen_on(std::uint16_t port);
// Connected when it returns.
int connect_to(std::uint16_t port);

}  // namespace roost::load
