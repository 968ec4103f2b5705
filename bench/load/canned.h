// A server that answers every request with the same short document and does nothing else: what HTTP
// over a loopback socket costs on this machine at best. One thread; runs until SIGTERM or SIGINT.
#pragma once

#include <cstdint>

namespace roost::load {

int run_canned_server(std::uint16_t port);

}  // namespace roost::load
