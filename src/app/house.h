// The house: every part of roost, built once and in order, run until a signal asks for the end.
#pragma once

#include "app/config.h"

namespace roost::app {

// Blocks until SIGTERM or SIGINT. Returns the exit status of the process; what went wrong has been
// said in the log or on standard error by then.
int run_house(const Config& config, Mode mode);

}  // namespace roost::app
