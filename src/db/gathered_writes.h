// An SQLite VFS that hands writes to the log which are neighbours to the file beneath in one piece.
//
// SQLite appends each page of a commit to the log by two writes, 24 bytes and the page; a system
// call costs many times what copying a page does. Here they wait for each other, up to
// gathered_bytes_max, and reach the file before anything else is done with it: a write elsewhere, a
// read, a sync, a truncation, closing. A failure to write them is the failure of that operation,
// and what was gathered is forgotten: SQLite takes back the transaction.
//
// Other connections see a commit in the log once its index says so, which SQLite does after the
// sync, as long as `synchronous` is FULL; with less, they would read what is not there yet. The
// database itself is not gathered for: a checkpoint that ends before the log does is announced
// without a sync.
// https://www.sqlite.org/vfs.html
#pragma once

#include <sqlite3.h>

#include <string>

namespace roost::db {

class GatheredWrites {
  public:
    // On top of the VFS of this name, SQLite's default if null. Registered while it lives; outlives
    // the connections that are opened with its name.
    explicit GatheredWrites(const char* beneath);
    ~GatheredWrites();
    GatheredWrites(const GatheredWrites&) = delete;
    GatheredWrites& operator=(const GatheredWrites&) = delete;

    const char* name() const { return name_.c_str(); }

  private:
    sqlite3_vfs* beneath_;
    std::string name_;
    sqlite3_vfs vfs_;
};

}  // namespace roost::db
