// What `roost dev` tells the person who started it: where the server is, and three commands to try.
#pragma once

#include "app/config.h"
#include "app/secrets_file.h"

namespace roost::app {

void print_dev_banner(const Config& config, const Secrets& secrets);

}  // namespace roost::app
