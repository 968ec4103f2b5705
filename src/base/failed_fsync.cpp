#include "base/failed_fsync.h"

#include <cstdio>
#include <cstdlib>

#include "base/log.h"

namespace roost {

namespace {

constexpr int exit_code_io = 74;  // EX_IOERR of sysexits.h

}  // namespace

void end_after_failed_fsync(std::string_view what) {
    const char* reason =
        "fsync failed: it is unknown what is on the disk. roost ends and must be started again; "
        "check the disk first";
    log::error(reason, {{"during", what}});
    log::flush();
    std::fprintf(stderr, "roost: %s (during: %.*s)\n", reason, static_cast<int>(what.size()),
                 what.data());
    std::_Exit(exit_code_io);
}

}  // namespace roost
