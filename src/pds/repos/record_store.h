// The rows of records: all SQL about them. Functions run inside the caller's transaction. Keys are
// "collection/rkey", as in the tree (atproto/mst/node.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/mst/tree.h"
#include "atproto/syntax/syntax.h"
#include "base/bytes.h"
#include "db/transaction.h"
#include "pds/repo_id.h"

namespace roost::pds::record_store {

struct Record {
    std::string key;
    atproto::Cid cid;
    std::uint64_t rev;  // atproto::Tid::number() of the commit that wrote it
    std::optional<std::string> takedown_ref;
    Bytes value;  // DAG-CBOR
};

// Creates the record or replaces it; a takedown stays.
void put(db::Transaction& t, RepoId repo, std::string_view key, const atproto::Cid& cid,
         std::uint64_t rev, ByteView value);
// The record exists.
void erase(db::Transaction& t, RepoId repo, std::string_view key);
// False if there is no such record. None lifts the takedown.
bool set_takedown(db::Transaction& t, RepoId repo, std::string_view key,
                  const std::optional<std::string>& ref);

std::optional<Record> find(db::Transaction& t, RepoId repo, std::string_view key);

// A record as it lies in the database: what is shown needs no copy. The views are valid until the
// next row is asked for.
struct RecordView {
    std::string_view key;
    atproto::Cid cid;
    std::uint64_t rev;
    ByteView value;
};

// Reads records one by one.
class Records {
  public:
    explicit Records(db::Rows rows) : rows_(std::move(rows)) {}
    std::optional<RecordView> next();

  private:
    db::Rows rows_;
};

// The record of the account's repository, unless it is taken down: one, or none.
Records shown(db::Transaction& t, std::int64_t account_id, std::string_view key);

// A page of a collection, by record key. Records that are taken down are left out.
enum class Order { ascending, descending };
struct Range {
    std::optional<std::string> after = std::nullopt;  // record keys, both exclusive
    std::optional<std::string> before = std::nullopt;
    Order order = Order::descending;
    std::int64_t limit;
};
Records list(db::Transaction& t, RepoId repo, std::string_view collection, const Range& range);

// Whether one was written by this revision or before. Looks at some of the first and the last only,
// among which there is one unless the repository is all new.
bool has_any_until(db::Transaction& t, RepoId repo, std::uint64_t rev);

// All of a repository, in the order of the tree.
std::vector<atproto::mst::KeyValue> keys(db::Transaction& t, RepoId repo);

// Key and value of each, in the same order.
db::Rows scan(db::Transaction& t, RepoId repo);
// The values of those after the key, in the same order.
db::Rows values_after(db::Transaction& t, RepoId repo, std::string_view key);

// The records of the other repository that are taken down are so in this one, where it has them.
void carry_takedowns(db::Transaction& t, RepoId from, RepoId to);

// Collections that have records, in order.
std::vector<std::string> collections(db::Transaction& t, RepoId repo);

// What the record at the key points at; one subject per record, so the old one is to be removed
// before. See docs: only likes, reposts, follows and blocks have subjects here.
void add_subject(db::Transaction& t, RepoId repo, std::string_view collection,
                 std::string_view subject, std::string_view key);
void erase_subject(db::Transaction& t, RepoId repo, std::string_view collection,
                   std::string_view subject, std::string_view key);
// Keys of records that may point at the subject: whoever asks compares the records.
std::vector<std::string> find_by_subject(db::Transaction& t, RepoId repo,
                                         std::string_view collection, std::string_view subject);

// Removes some rows of a repository that belongs to nobody, in any order. False: there were none.
bool erase_some(db::Transaction& t, RepoId repo);

}  // namespace roost::pds::record_store
