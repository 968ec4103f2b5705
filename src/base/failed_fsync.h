// The end of the process after an fsync that failed. Nobody knows then what is on the disk, and a
// second try can report success for lost data: Linux forgets the pages that it could not write.
// What counts is what the disk shows at the next start.
// https://wiki.postgresql.org/wiki/Fsync_Errors
#pragma once

#include <string_view>

namespace roost {

// Logs what was synced, and exits with status 74 (EX_IOERR of sysexits.h). Any thread.
[[noreturn]] void end_after_failed_fsync(std::string_view what);

}  // namespace roost
