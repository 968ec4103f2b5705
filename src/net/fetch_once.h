// Requests of a program that is no server: an event loop and a client for as long as a function
// runs, on the calling thread, which belongs to no other Executor.
#pragma once

#include <functional>

#include "base/task.h"
#include "net/http_client.h"

namespace roost::net {

// Runs the task that the function makes to its end; what it throws is thrown on.
void with_client(HttpClient::Options options, std::function<Task<void>(HttpClient&)> function);

}  // namespace roost::net
