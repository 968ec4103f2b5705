// Which addresses a stranger may make us connect to.
#pragma once

#include "net/http.h"

namespace roost::net {

// A unicast address of the public internet: not private, shared, local, reserved, for documentation
// or benchmarks, multicast, nor one that wraps an IPv4 address (6to4, NAT64, Teredo).
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
bool is_public_unicast(const IpAddress& address);

}  // namespace roost::net
