// Notices that the database was put back from an older copy, and then tells the network where each
// repository stands.
//
// Consumers of the event stream may have seen commits that such a database does not know. What
// roost commits next would not follow from what they have, and until there is a new revision they
// take a #sync for an old one. So every open repository gets a new commit over the tree that it
// has, and a #sync event.
//
// The newest event number is noted in a file beside the database every few seconds: never more than
// what the database surely knows, so a power loss does not look like a restore. A database that
// knows less, or one with events and no such file (it alone was brought here), was put back. What
// has been told is remembered, so a restart goes on from there.
//
// Made once; begin() before anybody makes events, then one event loop's thread.
// https://atproto.com/specs/sync#sync-events
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/repos/repos.h"

namespace roost::pds {

class RestoreWatch {
  public:
    RestoreWatch(db::Database& database, Repos& repos, std::filesystem::path file)
        : db_(database), repos_(repos), file_(std::move(file)) {}

    // Errors: the file cannot be read or written.
    Task<Result<void>> begin();
    // Writes the newest event number down, if it is another. To be called every few seconds.
    Task<void> note_newest();
    // Tells of some more repositories, if there is anything to tell. To be called several times a
    // second.
    Task<void> tell_some();

  private:
    Result<void> note(std::int64_t seq);

    db::Database& db_;
    Repos& repos_;
    const std::filesystem::path file_;
    std::int64_t noted_ = 0;
    bool has_to_tell_ = false;
};

}  // namespace roost::pds
