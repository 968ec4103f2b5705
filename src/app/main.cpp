#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

#include "app/command_line.h"
#include "app/house.h"

namespace {

// A core file would hold every key in clear. A sanitized build must stay traceable for its leak
// check, and is not for production.
void forbid_core_files() {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

// A connection is a descriptor; the usual soft limit of 1,024 is for programs that call select().
void allow_many_connections() {
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

roost::app::Environment environment_of_process() {
    roost::app::Environment variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

}  // namespace

int main(int argc, char** argv) {
    umask(077);  // what we write is for us alone, the log as well
    forbid_core_files();
    allow_many_connections();
    const bool watches = isatty(STDERR_FILENO) == 1;
    const roost::app::Person person{
        .answers = watches && isatty(STDIN_FILENO) == 1 ? &std::cin : nullptr, .watches = watches};
    return roost::app::run_command_line({{argv + 1, argv + argc}, environment_of_process(), person},
                                        roost::app::run_house, std::cout, std::cerr);
}
