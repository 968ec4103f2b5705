// What an account has written lately, for views of other servers that have not seen it yet: its
// profile and its posts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/data/value.h"
#include "atproto/syntax/syntax.h"
#include "base/clock.h"
#include "db/transaction.h"

namespace roost::pds {

// So many of the newest posts are shown where they are missing, of so many that are looked at: more
// is not written while an AppView is a few seconds behind.
inline constexpr std::int64_t recent_posts_max = 10;
inline constexpr std::int64_t recent_posts_seen = 50;

struct RecentRecord {
    std::string rkey;
    atproto::Cid cid;
    Timestamp written_at;
    atproto::Object value;
};

struct RecentRecords {
    std::optional<RecentRecord> profile;
    std::vector<RecentRecord> posts;  // the oldest first

    bool is_empty() const { return !profile && posts.empty(); }
    // When the oldest of them was written. There is one.
    Timestamp oldest() const;
};

namespace recent_records {

// What was written after the revision; nothing if everything was, as after a move from another
// server, or if there is no such repository. At most recent_posts_max of the newest posts.
RecentRecords since(db::Transaction& t, std::int64_t account_id, const atproto::Tid& rev);

std::optional<RecentRecord> profile(db::Transaction& t, std::int64_t account_id);
std::optional<RecentRecord> post(db::Transaction& t, std::int64_t account_id,
                                 std::string_view rkey);
// The newest posts, from the one before the record key on if it is given; the newest first.
std::vector<RecentRecord> posts(db::Transaction& t, std::int64_t account_id,
                                const std::optional<std::string>& before, std::int64_t limit);

}  // namespace recent_records

}  // namespace roost::pds
