// For endpoint files. Each holds the function that answers, and add_METHOD(), which states what the
// method asks of a caller.
#pragma once

#include "api/services.h"
#include "base/task.h"
#include "xrpc/router.h"

namespace roost::api {

// The function with the services as its first argument, as the router wants it without.
template <class Output, class Arguments>
auto with_services(const Services& services,
                   Task<Result<Output>> (*function)(const Services&, xrpc::Call&, Arguments)) {
    return [&services, function](xrpc::Call& call, Arguments arguments) {
        return function(services, call, std::move(arguments));
    };
}

}  // namespace roost::api
