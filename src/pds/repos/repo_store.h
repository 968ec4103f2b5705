// The rows of repositories: all SQL about them. Functions run inside the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "atproto/repo/commit.h"
#include "base/bytes.h"
#include "base/result.h"
#include "db/transaction.h"
#include "pds/account.h"
#include "pds/repo_id.h"
#include "pds/sync/event_log.h"

namespace roost::pds::repo_store {

// The newest commit of a repository, which names everything else in it.
struct Head {
    atproto::Tid rev;
    atproto::Cid commit_cid;
    Bytes commit_block;
};

// A repository as it is stored: see migrations/sqlite/0004_repos.sql for what the nodes stand for.
struct StoredRepo {
    RepoId id;
    Head head;
    std::int64_t nodes_seq;
    std::optional<atproto::Cid> nodes_root;
    std::int64_t record_count;
};

// A repository of a list, active or not.
struct Listed {
    RepoId id;
    std::int64_t account_id;
    atproto::Did did;
    AccountStatus status;
    atproto::Tid rev;
    atproto::Cid commit_cid;
};

// A new account's, without records, after its first events.
RepoId insert(db::Transaction& t, std::int64_t account_id, const atproto::NewRepo& repo);
// Error: Fault::invalid "RepoNotFound", if the account was deleted.
Result<OwnedRepo> of_account(db::Transaction& t, const Account& account);
std::optional<Head> find_head(db::Transaction& t, std::int64_t account_id);
std::optional<StoredRepo> find(db::Transaction& t, std::int64_t account_id);
// In the order of accounts, from the one after `after`.
std::vector<Listed> list(db::Transaction& t, std::int64_t after, std::int64_t limit);
// Those that are active and have records of a collection, in the order of their own ids.
std::vector<Listed> list_by_collection(db::Transaction& t, std::string_view collection,
                                       RepoId after, std::int64_t limit);

std::int64_t count(db::Transaction& t);

// The repository goes on from one commit to the next. False, and nothing happens, if another commit
// has come between, or it belongs to nobody any more.
bool advance(db::Transaction& t, RepoId repo, const atproto::Tid& from, const Head& to,
             std::int64_t record_count);
// The same for a commit that has an event, which gets that number. Returns the number of the
// commit before it; none, and nothing happens, as above.
std::optional<std::int64_t> advance_with_event(db::Transaction& t, RepoId repo,
                                               const atproto::Tid& from, const Head& to,
                                               std::int64_t record_count, std::int64_t seq);
// The commits that are in the log and not in the tree's nodes.
event_log::CommitRange unwritten(db::Transaction& t, RepoId repo);
// The tree's nodes were written as they are after this event.
void set_nodes(db::Transaction& t, RepoId repo, std::int64_t seq, const atproto::Cid& root);

// ---- Repositories that belong to nobody, and that nobody sees

// One that is to be imported. The head is that of the file.
RepoId begin_import(db::Transaction& t, const Head& head);
// The account's repository is replaced by one that belonged to nobody. False, and nothing happens,
// if the account's is not at that commit any more.
bool replace(db::Transaction& t, OwnedRepo from, const Head& from_head, RepoId to,
             const Head& to_head, std::int64_t record_count);
// Whether the account is active, so that its repository is to be seen.
bool is_open(db::Transaction& t, std::int64_t account_id);
// After one of them, in the order of their ids.
std::optional<RepoId> next_ownerless(db::Transaction& t, RepoId after);
// The row itself, when nothing refers to it any more.
void erase_ownerless(db::Transaction& t, RepoId repo);

}  // namespace roost::pds::repo_store
