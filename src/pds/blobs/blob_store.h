// The rows of blobs: all SQL about them. Functions run inside the caller's transaction.
//
// A blob belongs to one account; another account that uploads the same bytes has its own. Files are
// not touched here: a row that goes leaves its file's name in the queue of deletions, in the same
// transaction, and Blobs removes what is there after the commit.
// https://atproto.com/specs/blob
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/data/cid.h"
#include "base/clock.h"
#include "base/result.h"
#include "db/transaction.h"
#include "pds/blobs/used_blob.h"
#include "pds/repo_id.h"

namespace roost::pds::blob_store {

struct Blob {
    std::int64_t id;
    atproto::Cid cid;
    std::string mime_type;
    std::int64_t size;
    std::string file;
    bool is_temporary;
    std::optional<std::string> takedown_ref;
};

std::optional<Blob> find(db::Transaction& t, std::int64_t account_id, const atproto::Cid& cid);
// Whether a row names this file.
bool has_file(db::Transaction& t, const atproto::Cid& cid, std::string_view file);

// ---- Uploads

struct Upload {
    atproto::Cid cid;
    std::string mime_type;
    std::int64_t size;
    std::string file;
};

struct Usage {
    std::int64_t blobs = 0;
    std::int64_t bytes = 0;
};
Usage usage(db::Transaction& t, std::int64_t account_id);

Error over_quota(std::int64_t quota_bytes);

// The account uploads again what it has in this file: a temporary blob is as if it were new. None
// if the row is gone, or names another file. Errors: as record().
Result<std::optional<Blob>> renew(db::Transaction& t, std::int64_t account_id, const Upload& upload,
                                  Timestamp now);
// The file is in the store. It takes the place of `replaced`, if that is what the row names; any
// other file stays, and so the blob may come back with another file. Errors: Fault::invalid, if the
// blob is taken down; "BlobQuotaExceeded"; Fault::not_found, if the account is gone.
Result<Blob> record(db::Transaction& t, std::int64_t account_id, const Upload& upload,
                    std::string_view replaced, std::int64_t quota_bytes, Timestamp now);

// ---- What records refer to

// Blobs that may have lost their last reference in a commit.
using Dropped = std::vector<atproto::Cid>;

// The record at the key refers to nothing any more.
void clear_references(db::Transaction& t, RepoId repo, std::string_view key, Dropped& dropped);
// The record at the key, which refers to nothing yet, refers to these. Errors: Fault::invalid
// "BlobNotFound", if the account has no such blob, or it is taken down; "InvalidMimeType" and
// "InvalidSize", if the blob is used for the first time and is not as it was uploaded.
Result<void> add_references(db::Transaction& t, OwnedRepo repo, std::string_view key,
                            std::uint64_t rev, std::span<const UsedBlob> blobs);
// After all records of a commit are written: of those that were dropped, the ones that no record
// refers to are deleted. Those that are taken down stay as temporary ones, so that the same bytes
// do not come back.
void erase_unreferenced(db::Transaction& t, OwnedRepo repo, const Dropped& dropped, Timestamp now);

// The record at the key, of a repository that is being imported, refers to these. They may come
// later, or never.
void add_imported_references(db::Transaction& t, RepoId repo, std::string_view key,
                             std::uint64_t rev, std::span<const atproto::Cid> blobs);
// The account was given another repository: its blobs are temporary from now on, unless the records
// of that one refer to them.
void settle_references(db::Transaction& t, OwnedRepo repo, Timestamp now);
// Removes some references of a repository that belongs to nobody. False: there were none.
bool erase_some_references(db::Transaction& t, RepoId repo);

// The blobs that records refer to, in the order of digests, after one of them. Only those of
// records that were written after a revision, if one is given.
std::vector<atproto::Cid> list(db::Transaction& t, RepoId repo,
                               const std::optional<atproto::Cid>& after,
                               std::optional<std::uint64_t> since, std::int64_t limit);

struct Missing {
    atproto::Cid cid;
    std::string key;  // of a record that refers to it
};
std::vector<Missing> list_missing(db::Transaction& t, OwnedRepo repo,
                                  const std::optional<atproto::Cid>& after, std::int64_t limit);

struct Counts {
    std::int64_t expected = 0;  // that records refer to
    std::int64_t imported = 0;  // that are here
};
Counts counts(db::Transaction& t, OwnedRepo repo);

// ---- Takedowns, deletions

// False if there is no such blob. None lifts the takedown.
bool set_takedown(db::Transaction& t, std::int64_t account_id, const atproto::Cid& cid,
                  const std::optional<std::string>& ref);

// All blobs of the account; call it before its row is deleted.
void erase_all(db::Transaction& t, std::int64_t account_id, Timestamp now);
// Temporary blobs from before that time that are not taken down, at most so many; how many there
// were.
std::int64_t erase_expired(db::Transaction& t, Timestamp before, std::int64_t limit, Timestamp now);

struct Deletion {
    std::int64_t id;
    std::string file;
};
void queue_deletion(db::Transaction& t, std::string_view file, Timestamp now);
std::vector<Deletion> due_deletions(db::Transaction& t, Timestamp now, std::int64_t limit);
void forget_deletion(db::Transaction& t, std::int64_t id);
void postpone_deletion(db::Transaction& t, std::int64_t id, Timestamp until);

// ---- The scrub

struct ScrubState {
    std::int64_t last_id;
    Timestamp started_at;
};
struct Stored {
    std::int64_t id;
    std::string did;  // of the account
    atproto::Cid cid;
    std::int64_t size;
    std::string file;
};
ScrubState scrub_state(db::Transaction& t);
void set_scrub_state(db::Transaction& t, const ScrubState& state);
std::vector<Stored> after(db::Transaction& t, std::int64_t last_id, std::int64_t limit);

}  // namespace roost::pds::blob_store
