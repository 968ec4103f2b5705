// Sends what a plan says over keep-alive connections to a server on 127.0.0.1, each connection its
// next request when the last is answered, and counts. One thread.
//
// Only answers between the end of the warm-up and the end of the time count; the server's CPU is
// read at these two moments. Then requests under way are waited for, briefly, so that they do not
// burden what is measured next.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "plan.h"

namespace roost::load {

struct Order {
    std::uint16_t port = 0;
    pid_t server = 0;  // whose CPU is read; 0: nobody's
    double warm_up_s = 0.3;
    double seconds = 2;
    std::uint64_t first_number = 0;  // the first <<n>>
};

// The figures, as a JSON object:
//     {"seconds", "next_number", "answers", "server_cpu_s", "low_priority_cpu_s",
//      "generator_cpu_s", "elsewhere_cores": the cores that neither kept busy,
//      "broken": connections that the server closed early, "bad_answer": one that was not 2xx,
//      "labels": {LABEL: {"answers", "statuses": {"200": N}, "p50_ms", "p99_ms", "max_ms"}}}
// Throws std::system_error when the server cannot be reached.
std::string run_plan(const Plan& plan, const Order& order);

}  // namespace roost::load
