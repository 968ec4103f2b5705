// Remembers which access tokens were found good, so that the next request with one needs neither
// its signature checked nor the database asked.
//
// An entry counts only while the rows that it was made from are unchanged (db/row_versions.h) and
// the token has not expired, so a session that ends is refused on the very next request. Bounded;
// any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "db/row_versions.h"
#include "pds/account.h"
#include "pds/accounts/tokens.h"

namespace roost::pds {

// The tables that the database must watch (db::Options::watched_tables), and their places.
inline std::vector<std::string> watched_tables() {
    return {"account", "session"};
}
inline constexpr std::size_t watched_account = 0;
inline constexpr std::size_t watched_session = 1;

// Who a valid access token speaks for, as of the last commit.
struct Authenticated {
    Account account;
    Scope scope;
    std::string session_id;
};

class SessionCache {
  public:
    explicit SessionCache(const db::RowVersions& versions) : versions_(versions) {}

    // Null unless the token was found good before and still is.
    std::shared_ptr<const Authenticated> find(std::string_view access_jwt, Timestamp now) const;

    // What a look at the database found. The epoch is the versions' from before that look.
    void remember(std::string_view access_jwt, std::int64_t expires_s, std::int64_t session_row,
                  std::shared_ptr<const Authenticated> found, std::uint64_t epoch);

  private:
    struct Entry {
        std::shared_ptr<const Authenticated> found;
        std::int64_t expires_s;
        std::int64_t session_row;
        std::uint64_t session_version;
        std::uint64_t account_version;
    };
    // A token ends in its signature. Only genuine ones are kept, so its last characters are as good
    // as a hash of them all.
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view access_jwt) const {
            constexpr std::size_t hashed_bytes = 16;
            return std::hash<std::string_view>{}(
                access_jwt.substr(access_jwt.size() - std::min(access_jwt.size(), hashed_bytes)));
        }
    };
    struct Shard {
        mutable std::mutex mutex;
        std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries;
    };
    std::size_t shard_of(std::string_view access_jwt) const {
        return Hash{}(access_jwt) % std::tuple_size_v<decltype(shards_)>;
    }

    const db::RowVersions& versions_;
    std::array<Shard, 16> shards_;
};

}  // namespace roost::pds
