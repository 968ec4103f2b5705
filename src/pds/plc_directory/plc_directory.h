// A PLC directory of our own, for dev mode: the log of did:plc identities, kept in the database.
//
// It judges operations as the public directory does (atproto/plc/log.h), so an identity that is
// accepted here would be accepted there; but nobody outside this machine knows it.
// https://web.plc.directory/spec/v0.1/did-plc
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/data/value.h"
#include "atproto/syntax/syntax.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "db/database.h"

namespace roost::pds {

class PlcDirectory {
  public:
    explicit PlcDirectory(db::Database& db) : db_(db) {}

    struct Entry {
        atproto::Did did;
        std::string cid;
        std::string operation;  // JSON
        bool is_nullified;
        Timestamp created_at;
    };

    // Errors: Fault::invalid with the reason that the log gives.
    Task<Result<void>> submit(atproto::Did did, std::string operation_json, Timestamp now);
    // Oldest first, nullified ones too; empty if the DID is not registered.
    Task<Result<std::vector<Entry>>> log(atproto::Did did);
    // All operations after that time, oldest first.
    Task<Result<std::vector<Entry>>> export_after(Timestamp after, std::int64_t limit);

  private:
    db::Database& db_;
};

}  // namespace roost::pds
