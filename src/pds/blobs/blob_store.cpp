#include "pds/blobs/blob_store.h"

#include <algorithm>
#include <unordered_set>

#include "base/check.h"
#include "pds/blobs/limits.h"

namespace roost::pds::blob_store {

namespace {

using atproto::Cid;

Cid read_cid(ByteView stored) {
    Cid::Digest digest;
    check(stored.size() == digest.size(), "a blob's digest has 32 bytes");
    std::ranges::copy(stored, digest.begin());
    return Cid::from_digest(atproto::Codec::raw, digest);
}

ByteView digest_of(const Cid& cid) {
    return cid.digest();
}

Error taken_down() {
    return Error::invalid("Blob has been takendown, cannot re-upload");
}

void add_usage(db::Transaction& t, std::int64_t account_id, std::int64_t blobs,
               std::int64_t bytes) {
    t.execute(
        "INSERT INTO blob_usage (account_id, blobs, bytes) VALUES ($1, $2, $3) ON CONFLICT DO "
        "UPDATE SET blobs = blobs + excluded.blobs, bytes = bytes + excluded.bytes",
        account_id, blobs, bytes);
}

void erase(db::Transaction& t, std::int64_t account_id, const Blob& blob, Timestamp now) {
    t.execute("DELETE FROM blob WHERE id = $1", blob.id);
    add_usage(t, account_id, -1, -blob.size);
    queue_deletion(t, blob.file, now);
}

bool has_reference(db::Transaction& t, RepoId repo, const Cid& cid) {
    db::Rows rows = t.select("SELECT 1 FROM record_blob WHERE repo_id = $1 AND digest = $2 LIMIT 1",
                             repo.value, digest_of(cid));
    return rows.next();
}

std::optional<RepoId> repo_of(db::Transaction& t, std::int64_t account_id) {
    db::Rows row = t.select("SELECT id FROM repo WHERE account_id = $1", account_id);
    if (!row.next()) return std::nullopt;
    return RepoId{row.integer(0)};
}

// A further upload of a blob that is here.
Blob refresh(db::Transaction& t, Blob blob, const Upload& upload, Timestamp now) {
    if (!blob.is_temporary) return blob;
    t.execute("UPDATE blob SET temporary_since = $1, mime_type = $2 WHERE id = $3", now,
              upload.mime_type, blob.id);
    blob.mime_type = upload.mime_type;
    return blob;
}

}  // namespace

std::optional<Blob> find(db::Transaction& t, std::int64_t account_id, const Cid& cid) {
    db::Rows row = t.select(
        "SELECT id, mime_type, size, file, temporary_since, takedown_ref FROM blob "
        "WHERE digest = $1 AND account_id = $2",
        digest_of(cid), account_id);
    if (!row.next()) return std::nullopt;
    return Blob{.id = row.integer(0),
                .cid = cid,
                .mime_type = std::string(row.text(1)),
                .size = row.integer(2),
                .file = std::string(row.text(3)),
                .is_temporary = !row.is_null(4),
                .takedown_ref = row.optional_text(5)};
}

bool has_file(db::Transaction& t, const Cid& cid, std::string_view file) {
    db::Rows row =
        t.select("SELECT 1 FROM blob WHERE digest = $1 AND file = $2", digest_of(cid), file);
    return row.next();
}

Usage usage(db::Transaction& t, std::int64_t account_id) {
    db::Rows row =
        t.select("SELECT blobs, bytes FROM blob_usage WHERE account_id = $1", account_id);
    if (!row.next()) return {};
    return {row.integer(0), row.integer(1)};
}

Error over_quota(std::int64_t quota_bytes) {
    return Error::invalid("The account's blobs would take more than the " +
                              std::to_string(quota_bytes) + " bytes that it may store",
                          "BlobQuotaExceeded");
}

Result<std::optional<Blob>> renew(db::Transaction& t, std::int64_t account_id, const Upload& upload,
                                  Timestamp now) {
    std::optional<Blob> blob = find(t, account_id, upload.cid);
    if (!blob || blob->file != upload.file) return std::nullopt;
    if (blob->takedown_ref) return taken_down();
    return refresh(t, *std::move(blob), upload, now);
}

Result<Blob> record(db::Transaction& t, std::int64_t account_id, const Upload& upload,
                    std::string_view replaced, std::int64_t quota_bytes, Timestamp now) {
    if (std::optional<Blob> blob = find(t, account_id, upload.cid)) {
        if (blob->takedown_ref) return taken_down();
        if (blob->file != replaced) return refresh(t, *std::move(blob), upload, now);
        t.execute("UPDATE blob SET file = $1 WHERE id = $2", upload.file, blob->id);
        queue_deletion(t, blob->file, now);
        blob->file = upload.file;
        return refresh(t, *std::move(blob), upload, now);
    }
    const std::optional<RepoId> repo = repo_of(t, account_id);
    if (!repo) return Error::not_found("The account was deleted");
    if (usage(t, account_id).bytes + upload.size > quota_bytes) return over_quota(quota_bytes);
    // After a move, records are here before their blobs.
    const bool is_temporary = !has_reference(t, *repo, upload.cid);
    db::Rows row = t.select(
        "INSERT INTO blob (account_id, digest, mime_type, size, file, created_at, temporary_since) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        account_id, digest_of(upload.cid), upload.mime_type, upload.size, upload.file, now,
        is_temporary ? std::optional(now) : std::nullopt);
    check(row.next(), "an INSERT returns its row");
    const std::int64_t id = row.integer(0);
    add_usage(t, account_id, 1, upload.size);
    return Blob{.id = id,
                .cid = upload.cid,
                .mime_type = upload.mime_type,
                .size = upload.size,
                .file = upload.file,
                .is_temporary = is_temporary,
                .takedown_ref = std::nullopt};
}

void clear_references(db::Transaction& t, RepoId repo, std::string_view key, Dropped& dropped) {
    db::Rows rows =
        t.select("DELETE FROM record_blob WHERE repo_id = $1 AND key = $2 RETURNING digest",
                 repo.value, key);
    while (rows.next())
        dropped.push_back(read_cid(rows.bytes(0)));
}

Result<void> add_references(db::Transaction& t, OwnedRepo repo, std::string_view key,
                            std::uint64_t rev, std::span<const UsedBlob> blobs) {
    for (const UsedBlob& used : blobs) {
        const std::optional<Blob> blob = find(t, repo.account_id, used.cid);
        if (!blob || blob->takedown_ref)
            return Error::invalid("Could not find blob: " + used.cid.text(), "BlobNotFound");
        if (blob->is_temporary) {
            if (used.mime_type != blob->mime_type)
                return Error::invalid("Referenced Mimetype does not match stored blob. Expected: " +
                                          blob->mime_type + ", Got: " + used.mime_type,
                                      "InvalidMimeType");
            if (used.size != blob->size)
                return Error::invalid("Referenced Size does not match stored blob. Expected: " +
                                          std::to_string(blob->size) +
                                          ", Got: " + std::to_string(used.size),
                                      "InvalidSize");
            t.execute("UPDATE blob SET temporary_since = NULL WHERE id = $1", blob->id);
        }
        // One record may refer to a blob twice.
        t.execute(
            "INSERT INTO record_blob (repo_id, key, digest, rev) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT DO NOTHING",
            repo.id.value, key, digest_of(used.cid), rev);
    }
    return {};
}

void erase_unreferenced(db::Transaction& t, OwnedRepo repo, const Dropped& dropped, Timestamp now) {
    std::unordered_set<Cid> seen;
    for (const Cid& cid : dropped) {
        if (!seen.insert(cid).second || has_reference(t, repo.id, cid)) continue;
        // Not there: it had gone missing, or never came.
        const std::optional<Blob> blob = find(t, repo.account_id, cid);
        if (blob && blob->takedown_ref)
            t.execute("UPDATE blob SET temporary_since = $2 WHERE id = $1", blob->id, now);
        else if (blob)
            erase(t, repo.account_id, *blob, now);
    }
}

void add_imported_references(db::Transaction& t, RepoId repo, std::string_view key,
                             std::uint64_t rev, std::span<const Cid> blobs) {
    for (const Cid& cid : blobs)
        t.execute(
            "INSERT INTO record_blob (repo_id, key, digest, rev) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT DO NOTHING",
            repo.value, key, digest_of(cid), rev);
}

void settle_references(db::Transaction& t, OwnedRepo repo, Timestamp now) {
    t.execute(
        "UPDATE blob SET temporary_since = NULL WHERE account_id = $1 "
        "AND temporary_since IS NOT NULL AND EXISTS (SELECT 1 FROM record_blob AS used "
        "WHERE used.repo_id = $2 AND used.digest = blob.digest)",
        repo.account_id, repo.id.value);
    t.execute(
        "UPDATE blob SET temporary_since = $3 WHERE account_id = $1 "
        "AND temporary_since IS NULL AND NOT EXISTS (SELECT 1 FROM record_blob AS used "
        "WHERE used.repo_id = $2 AND used.digest = blob.digest)",
        repo.account_id, repo.id.value, now);
}

bool erase_some_references(db::Transaction& t, RepoId repo) {
    return t.execute(
               "DELETE FROM record_blob WHERE repo_id = $1 AND (key, digest) IN "
               "(SELECT key, digest FROM record_blob WHERE repo_id = $1 LIMIT $2)",
               repo.value, limits::blob_references_per_batch) > 0;
}

std::vector<Cid> list(db::Transaction& t, RepoId repo, const std::optional<Cid>& after,
                      std::optional<std::uint64_t> since, std::int64_t limit) {
    const Bytes start = after ? Bytes(after->digest().begin(), after->digest().end()) : Bytes();
    std::vector<Cid> found;
    db::Rows rows = t.select(
        "SELECT DISTINCT digest FROM record_blob WHERE repo_id = $1 AND digest > $2 "
        "AND ($3 IS NULL OR rev > $3) ORDER BY digest LIMIT $4",
        repo.value, start, since, limit);
    while (rows.next())
        found.push_back(read_cid(rows.bytes(0)));
    return found;
}

std::vector<Missing> list_missing(db::Transaction& t, OwnedRepo repo,
                                  const std::optional<Cid>& after, std::int64_t limit) {
    const Bytes start = after ? Bytes(after->digest().begin(), after->digest().end()) : Bytes();
    std::vector<Missing> found;
    db::Rows rows = t.select(
        "SELECT digest, min(key) FROM record_blob AS used WHERE repo_id = $1 AND digest > $2 "
        "AND NOT EXISTS (SELECT 1 FROM blob WHERE blob.digest = used.digest "
        "AND blob.account_id = $3) GROUP BY digest ORDER BY digest LIMIT $4",
        repo.id.value, start, repo.account_id, limit);
    while (rows.next())
        found.push_back({read_cid(rows.bytes(0)), std::string(rows.text(1))});
    return found;
}

Counts counts(db::Transaction& t, OwnedRepo repo) {
    db::Rows row = t.select("SELECT count(DISTINCT digest) FROM record_blob WHERE repo_id = $1",
                            repo.id.value);
    check(row.next(), "a count has a row");
    return {.expected = row.integer(0), .imported = usage(t, repo.account_id).blobs};
}

bool set_takedown(db::Transaction& t, std::int64_t account_id, const Cid& cid,
                  const std::optional<std::string>& ref) {
    return t.execute("UPDATE blob SET takedown_ref = $1 WHERE digest = $2 AND account_id = $3", ref,
                     digest_of(cid), account_id) == 1;
}

void erase_all(db::Transaction& t, std::int64_t account_id, Timestamp now) {
    t.execute(
        "INSERT INTO blob_deletion (file, try_at) SELECT file, $1 FROM blob WHERE account_id = $2",
        now, account_id);
    t.execute("DELETE FROM blob WHERE account_id = $1", account_id);
    t.execute("DELETE FROM blob_usage WHERE account_id = $1", account_id);
}

std::int64_t erase_expired(db::Transaction& t, Timestamp before, std::int64_t limit,
                           Timestamp now) {
    struct Expired {
        std::int64_t account_id;
        Cid cid;
    };
    std::vector<Expired> expired;
    {
        db::Rows rows = t.select(
            "SELECT account_id, digest FROM blob WHERE temporary_since < $1 "
            "AND takedown_ref IS NULL ORDER BY temporary_since LIMIT $2",
            before, limit);
        while (rows.next())
            expired.push_back({rows.integer(0), read_cid(rows.bytes(1))});
    }
    for (const Expired& old : expired) {
        const std::optional<Blob> blob = find(t, old.account_id, old.cid);
        check(blob.has_value(), "a row that was listed is there");
        erase(t, old.account_id, *blob, now);
    }
    return std::ssize(expired);
}

void queue_deletion(db::Transaction& t, std::string_view file, Timestamp now) {
    t.execute("INSERT INTO blob_deletion (file, try_at) VALUES ($1, $2)", file, now);
}

std::vector<Deletion> due_deletions(db::Transaction& t, Timestamp now, std::int64_t limit) {
    std::vector<Deletion> found;
    db::Rows rows = t.select(
        "SELECT id, file FROM blob_deletion WHERE try_at <= $1 ORDER BY try_at, id LIMIT $2", now,
        limit);
    while (rows.next())
        found.push_back({rows.integer(0), std::string(rows.text(1))});
    return found;
}

void forget_deletion(db::Transaction& t, std::int64_t id) {
    t.execute("DELETE FROM blob_deletion WHERE id = $1", id);
}

void postpone_deletion(db::Transaction& t, std::int64_t id, Timestamp until) {
    t.execute("UPDATE blob_deletion SET try_at = $1 WHERE id = $2", until, id);
}

ScrubState scrub_state(db::Transaction& t) {
    db::Rows row = t.select("SELECT last_id, started_at FROM blob_scrub WHERE id = 1");
    check(row.next(), "the scrub has its row");
    return {row.integer(0), row.time(1)};
}

void set_scrub_state(db::Transaction& t, const ScrubState& state) {
    t.execute("UPDATE blob_scrub SET last_id = $1, started_at = $2 WHERE id = 1", state.last_id,
              state.started_at);
}

std::vector<Stored> after(db::Transaction& t, std::int64_t last_id, std::int64_t limit) {
    std::vector<Stored> found;
    db::Rows rows = t.select(
        "SELECT blob.id, did, digest, size, file FROM blob JOIN account ON account.id = account_id "
        "WHERE blob.id > $1 ORDER BY blob.id LIMIT $2",
        last_id, limit);
    while (rows.next())
        found.push_back({rows.integer(0), std::string(rows.text(1)), read_cid(rows.bytes(2)),
                         rows.integer(3), std::string(rows.text(4))});
    return found;
}

}  // namespace roost::pds::blob_store
