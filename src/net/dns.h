// Names to addresses and TXT records, by c-ares on an event loop. Part of the room's inside.
//
// One resolver per loop, used on its thread. The hosts file is honoured, search domains are not. A
// caller that gives up leaves its question behind; c-ares ends it by itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "net/event_loop.h"
#include "net/http.h"

namespace roost::net {

class Resolver {
  public:
    // nameservers: "address" or "address:port"; empty: the system's.
    static std::unique_ptr<Resolver> make(EventLoop& loop, std::vector<std::string> nameservers);
    virtual ~Resolver() = default;

    // At least one address, IPv4 first. Errors: upstream_failed if there is none or nobody knows,
    // upstream_timeout.
    virtual Task<Result<std::vector<IpAddress>>> addresses(std::string host,
                                                           std::int64_t deadline_us) = 0;
    // Empty if the name or the record does not exist.
    virtual Task<Result<std::vector<std::string>>> texts(std::string name,
                                                         std::int64_t deadline_us) = 0;
};

}  // namespace roost::net
