// The verbs of the program: serve, dev, config, key, version, help, and the operator's (verbs/).
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/verbs/verb.h"

namespace roost::app {

struct CommandLine {
    std::vector<std::string> arguments;  // without the program's name
    Environment environment;
    Person person = {};
};

// What serve and dev do once the configuration is known to be right; run_house() in the program.
using Run = std::function<int(const Config&, Mode)>;

// Returns the exit status: 0 done, 1 something failed, 2 wrong usage or configuration.
int run_command_line(const CommandLine& line, const Run& run, std::ostream& out, std::ostream& err);

}  // namespace roost::app
