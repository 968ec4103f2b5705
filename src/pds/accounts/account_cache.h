// Remembers accounts by what requests call them, a DID or a handle, so that who asks for a public
// record needs the database for the record only.
//
// An entry counts only while the account's row is unchanged (db/row_versions.h), so what a write
// changed is seen by the very next request. Bounded; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"

namespace roost::pds {

class AccountCache {
  public:
    // The database watches the tables that session_cache.h names.
    explicit AccountCache(db::Database& db) : db_(db) {}

    // Null if no account here is called so. The text outlives the task.
    Task<Result<std::shared_ptr<const Account>>> find(std::string_view did_or_handle);

  private:
    struct Entry {
        std::shared_ptr<const Account> account;
        std::uint64_t version;
    };
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries;
    };

    std::shared_ptr<const Account> known(std::string_view did_or_handle);
    // The epoch is the versions' from before the database was asked.
    void remember(std::string_view did_or_handle, std::shared_ptr<const Account> account,
                  std::uint64_t epoch);
    Shard& shard_of(std::string_view did_or_handle) {
        return shards_[Hash{}(did_or_handle) % shards_.size()];
    }

    db::Database& db_;
    std::array<Shard, 16> shards_;
};

}  // namespace roost::pds
