// The database as a tool reads it: beside a server that runs, or while none does. It takes no lock
// and starts no threads; every write is refused. What it reads is a snapshot, as always; a long one
// holds up the emptying of the server's log, so tools keep each short.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "db/database.h"

namespace roost::db {

// The file exists, and is of this program's version: its migrations are applied, and no others.
// Used on one thread; snapshots, too. Errors say what to do.
Result<std::unique_ptr<Database>> open_for_reading(const std::string& path);

}  // namespace roost::db
