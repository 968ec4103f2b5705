// A new master key for a server that is stopped: `roost key rotate`.
//
// Every sealed key in the database is sealed anew under a new master key, and the new key takes the
// old one's place. A crash at any moment loses nothing, because these steps are durable, in this
// order:
//   1. the new key is written beside the old one, as FILE.next;
//   2. the old key gets a second name, FILE.old-ID, which it keeps;
//   3. one transaction seals all keys anew;
//   4. FILE.next is renamed to FILE.
// Where FILE.next is found later, the database tells which key is in force: the one that its rows
// open with. https://man7.org/linux/man-pages/man2/rename.2.html
//
// The caller holds the data directory's lock: the database is open.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>

#include "app/config.h"
#include "base/result.h"
#include "db/database.h"
#include "pds/accounts/key_store.h"

namespace roost::app {

// How far a rotation has come; each is told when it is durable, but for the keys seen, which are
// not before all_resealed.
struct RotationProgress {
    enum class Step { new_key_written, old_key_kept, resealing, all_resealed, new_key_in_force };
    Step step;
    std::int64_t seen = 0;  // resealing: so many keys …
    std::int64_t all = 0;   // … of these
};
using OnRotation = std::function<void(const RotationProgress&)>;

struct Rotation {
    pds::key_store::Resealed resealed;
    std::filesystem::path key_file;
    std::filesystem::path old_key_file;
};

// Errors say what to do, and leave the old key in force. The last step of them can fail after the
// new key came into force: the error then says where it is, and the next start tries again.
Result<Rotation> rotate_master_key(const StorageConfig& storage, db::Database& db,
                                   const OnRotation& on_progress);

// Finishes or undoes a rotation that was cut off, as the database tells; the log says which. For
// every start, before the master key is read.
Result<void> settle_rotation(const StorageConfig& storage, db::Database& db);

// The verb: opens the database, rotates, and says on the way what happens and at the end what to do
// with the old key and with old backups. Returns the exit status.
int run_key_rotation(const StorageConfig& storage, std::ostream& out, std::ostream& err);

}  // namespace roost::app
