// The settings as flags of a command: --port for PDS_PORT. Secrets are refused, as others can see
// the arguments of a program.
#pragma once

#include "app/config.h"

namespace CLI {
class App;
}

namespace roost::app {

// What is given is written to `flags`, which outlives the parsing.
void add_setting_flags(CLI::App& verb, Environment& flags);

}  // namespace roost::app
