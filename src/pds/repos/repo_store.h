// The rows of repositories: all SQL about them. Functions run inside the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "atproto/repo/commit.h"
#include "base/bytes.h"
#include "db/transaction.h"
#include "pds/account.h"

namespace roost::pds::repo_store {

// The newest commit of a repository, which names everything else in it.
struct Head {
    atproto::Tid rev;
    atproto::Cid commit_cid;
    Bytes commit_block;
};

// A repository as it is stored: see migrations/sqlite/0004_repos.sql for what the nodes stand for.
struct StoredRepo {
    Head head;
    std::int64_t nodes_seq;
    std::optional<atproto::Cid> nodes_root;
    std::int64_t record_count;
};

// A repository of a list, active or not.
struct Listed {
    std::int64_t account_id;
    atproto::Did did;
    AccountStatus status;
    atproto::Tid rev;
    atproto::Cid commit_cid;
};

void insert(db::Transaction& t, std::int64_t account_id, const atproto::NewRepo& repo);
std::optional<Head> find_head(db::Transaction& t, std::int64_t account_id);
std::optional<StoredRepo> find(db::Transaction& t, std::int64_t account_id);
// In the order of accounts, from the one after `after`.
std::vector<Listed> list(db::Transaction& t, std::int64_t after, std::int64_t limit);
// Those that are active and have records of a collection.
std::vector<Listed> list_by_collection(db::Transaction& t, std::string_view collection,
                                       std::int64_t after, std::int64_t limit);

std::int64_t count(db::Transaction& t);

// The repository goes on from one commit to the next. False, and nothing happens, if another commit
// has come between, or there is no repository any more.
bool advance(db::Transaction& t, std::int64_t account_id, const atproto::Tid& from, const Head& to,
             std::int64_t record_count);
// The tree's nodes were written as they are after this event.
void set_nodes(db::Transaction& t, std::int64_t account_id, std::int64_t seq,
               const atproto::Cid& root);

}  // namespace roost::pds::repo_store
