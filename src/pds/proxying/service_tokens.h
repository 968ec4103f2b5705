// Service tokens by which accounts of this server speak to other servers: who the account is, for
// whom the token is meant and for which one method, for a minute.
//
// Tokens are remembered, so that a client that reads again and again costs no signature each time.
// A token counts only while the account's row is unchanged (db/row_versions.h): none is used after
// a takedown, a deactivation or a deletion. Made once; any thread; bounded.
// https://atproto.com/specs/xrpc#inter-service-authentication-jwt
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/accounts/key_vault.h"

namespace roost::pds {

class ServiceTokens {
  public:
    // The database watches the tables that SessionCache names.
    ServiceTokens(db::Database& db, const KeyVault& vault)
        : db_(db), vault_(vault), versions_(db.row_versions()) {}

    // The audience is a DID, or a DID and a service's name behind '#'. Errors: the account's key
    // cannot be read.
    Task<Result<std::string>> fresh(const Account& account, std::string_view audience,
                                    std::string_view method, Timestamp now);

    struct Remembered {
        std::string token;
        bool was_used = false;  // before: a server that takes each token once will refuse it
    };
    // The same, or one that was made less than limits::service_token_reuse_s ago.
    Task<Result<Remembered>> remembered(const Account& account, std::string_view audience,
                                        std::string_view method, Timestamp now);

  private:
    struct Entry {
        std::string token;
        std::int64_t made_s;
        std::uint64_t account_version;
    };
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, Entry> entries;
    };
    Shard& shard_of(const std::string& key) {
        return shards_[std::hash<std::string>{}(key) % shards_.size()];
    }

    db::Database& db_;
    const KeyVault& vault_;
    const db::RowVersions& versions_;
    std::array<Shard, 16> shards_;
};

}  // namespace roost::pds
