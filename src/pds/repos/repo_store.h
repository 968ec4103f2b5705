// The rows of repositories: all SQL about them. Functions run inside the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>

#include "atproto/repo/commit.h"
#include "base/bytes.h"
#include "db/transaction.h"

namespace roost::pds::repo_store {

// The newest commit of a repository, which names everything else in it.
struct Head {
    atproto::Tid rev;
    atproto::Cid commit_cid;
    Bytes commit_block;
};

void insert(db::Transaction& t, std::int64_t account_id, const atproto::NewRepo& repo);
std::optional<Head> find_head(db::Transaction& t, std::int64_t account_id);

}  // namespace roost::pds::repo_store
