#include "pds/repos/record_store.h"

#include <algorithm>

#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds::record_store {

namespace {

atproto::Cid read_cid(ByteView stored) {
    atproto::Cid::Digest digest;
    check(stored.size() == digest.size(), "a record's digest has 32 bytes");
    std::ranges::copy(stored, digest.begin());
    return atproto::Cid::from_digest(atproto::Codec::dag_cbor, digest);
}

Record read_row(const db::Rows& row) {
    const ByteView value = row.bytes(4);
    return {std::string(row.text(0)), read_cid(row.bytes(1)),
            static_cast<std::uint64_t>(row.integer(2)), row.optional_text(3),
            Bytes(value.begin(), value.end())};
}

std::string_view collection_of(std::string_view key) {
    return key.substr(0, key.find('/'));
}

std::int64_t subject_hash(std::string_view collection, std::string_view subject) {
    std::string text;
    text.reserve(collection.size() + 1 + subject.size());
    text.append(collection).append(1, ' ').append(subject);
    const atproto::Cid::Digest digest = atproto::sha256(as_bytes(text));
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < 8; ++i)
        hash = hash << 8 | digest[i];
    return static_cast<std::int64_t>(hash >> 1);
}

}  // namespace

void put(db::Transaction& t, RepoId repo, std::string_view key, const atproto::Cid& cid,
         std::uint64_t rev, ByteView value) {
    t.execute(
        "INSERT INTO record (repo_id, key, cid, rev, value) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO UPDATE SET cid = excluded.cid, rev = excluded.rev, value = excluded.value",
        repo.value, key, ByteView(cid.digest()), rev, value);
    t.execute(
        "INSERT INTO repo_collection (collection, repo_id) VALUES ($1, $2) "
        "ON CONFLICT DO NOTHING",
        collection_of(key), repo.value);
}

void erase(db::Transaction& t, RepoId repo, std::string_view key) {
    const std::int64_t erased =
        t.execute("DELETE FROM record WHERE repo_id = $1 AND key = $2", repo.value, key);
    check(erased == 1, "a record that is deleted exists");
    const std::string_view collection = collection_of(key);
    t.execute(
        "DELETE FROM repo_collection WHERE collection = $1 AND repo_id = $2 AND NOT EXISTS "
        "(SELECT 1 FROM record WHERE repo_id = $2 AND key > $1 || '/' AND key < $1 || '0')",
        collection, repo.value);
}

bool set_takedown(db::Transaction& t, RepoId repo, std::string_view key,
                  const std::optional<std::string>& ref) {
    return t.execute("UPDATE record SET takedown_ref = $1 WHERE repo_id = $2 AND key = $3", ref,
                     repo.value, key) == 1;
}

std::optional<Record> find(db::Transaction& t, RepoId repo, std::string_view key) {
    db::Rows row = t.select(
        "SELECT key, cid, rev, takedown_ref, value FROM record WHERE repo_id = $1 AND key = $2",
        repo.value, key);
    if (!row.next()) return std::nullopt;
    return read_row(row);
}

std::optional<RecordView> Records::next() {
    if (!rows_.next()) return std::nullopt;
    return RecordView{rows_.text(0), read_cid(rows_.bytes(1)),
                      static_cast<std::uint64_t>(rows_.integer(2)), rows_.bytes(3)};
}

Records shown(db::Transaction& t, std::int64_t account_id, std::string_view key) {
    return Records(
        t.select("SELECT key, cid, rev, value FROM record "
                 "WHERE repo_id = (SELECT id FROM repo WHERE account_id = $1) AND key = $2 "
                 "AND takedown_ref IS NULL",
                 account_id, key));
}

Records list(db::Transaction& t, RepoId repo, std::string_view collection, const Range& range) {
    std::string after(collection), before(collection);
    after += '/';
    if (range.after) after += *range.after;
    // The character after '/': the end of the collection.
    if (range.before)
        before.append(1, '/').append(*range.before);
    else
        before += '0';
    if (range.order == Order::ascending)
        return Records(
            t.select("SELECT key, cid, rev, value FROM record "
                     "WHERE repo_id = $1 AND key > $2 AND key < $3 "
                     "AND takedown_ref IS NULL ORDER BY key LIMIT $4",
                     repo.value, after, before, range.limit));
    return Records(
        t.select("SELECT key, cid, rev, value FROM record "
                 "WHERE repo_id = $1 AND key > $2 AND key < $3 "
                 "AND takedown_ref IS NULL ORDER BY key DESC LIMIT $4",
                 repo.value, after, before, range.limit));
}

// Some three pages from either end.
constexpr std::int64_t older_records_seen = 200;

bool has_any_until(db::Transaction& t, RepoId repo, std::uint64_t rev) {
    db::Rows row = t.select(
        "SELECT EXISTS (SELECT 1 FROM (SELECT rev FROM record WHERE repo_id = $1 "
        "ORDER BY key LIMIT $3) WHERE rev <= $2) OR "
        "EXISTS (SELECT 1 FROM (SELECT rev FROM record WHERE repo_id = $1 "
        "ORDER BY key DESC LIMIT $3) WHERE rev <= $2)",
        repo.value, rev, older_records_seen);
    return row.next() && row.integer(0) != 0;
}

std::vector<atproto::mst::KeyValue> keys(db::Transaction& t, RepoId repo) {
    std::vector<atproto::mst::KeyValue> found;
    db::Rows rows =
        t.select("SELECT key, cid FROM record WHERE repo_id = $1 ORDER BY key", repo.value);
    while (rows.next())
        found.push_back({std::string(rows.text(0)), read_cid(rows.bytes(1))});
    return found;
}

db::Rows scan(db::Transaction& t, RepoId repo) {
    return t.select("SELECT key, value FROM record WHERE repo_id = $1 ORDER BY key", repo.value);
}

db::Rows values_after(db::Transaction& t, RepoId repo, std::string_view key) {
    return t.select("SELECT value FROM record WHERE repo_id = $1 AND key > $2 ORDER BY key",
                    repo.value, key);
}

void carry_takedowns(db::Transaction& t, RepoId from, RepoId to) {
    t.execute(
        "UPDATE record SET takedown_ref = (SELECT takedown_ref FROM record AS old "
        "WHERE old.repo_id = $1 AND old.key = record.key) "
        "WHERE repo_id = $2 AND key IN (SELECT key FROM record AS old "
        "INDEXED BY record_takendown WHERE old.repo_id = $1 AND old.takedown_ref IS NOT NULL)",
        from.value, to.value);
}

std::vector<std::string> collections(db::Transaction& t, RepoId repo) {
    std::vector<std::string> found;
    db::Rows rows =
        t.select("SELECT collection FROM repo_collection WHERE repo_id = $1 ORDER BY collection",
                 repo.value);
    while (rows.next())
        found.emplace_back(rows.text(0));
    return found;
}

void add_subject(db::Transaction& t, RepoId repo, std::string_view collection,
                 std::string_view subject, std::string_view key) {
    t.execute(
        "INSERT INTO record_subject (repo_id, subject_hash, key) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING",
        repo.value, subject_hash(collection, subject), key);
}

void erase_subject(db::Transaction& t, RepoId repo, std::string_view collection,
                   std::string_view subject, std::string_view key) {
    t.execute("DELETE FROM record_subject WHERE repo_id = $1 AND subject_hash = $2 AND key = $3",
              repo.value, subject_hash(collection, subject), key);
}

std::vector<std::string> find_by_subject(db::Transaction& t, RepoId repo,
                                         std::string_view collection, std::string_view subject) {
    std::vector<std::string> found;
    db::Rows rows = t.select(
        "SELECT key FROM record_subject WHERE repo_id = $1 AND subject_hash = $2 ORDER BY key",
        repo.value, subject_hash(collection, subject));
    while (rows.next())
        found.emplace_back(rows.text(0));
    return found;
}

bool erase_some(db::Transaction& t, RepoId repo) {
    std::optional<std::string> last;
    {
        db::Rows rows = t.select(
            "SELECT key, length(value) FROM record WHERE repo_id = $1 ORDER BY key LIMIT $2",
            repo.value, limits::removed_rows_max);
        for (std::int64_t bytes = 0; bytes < limits::removed_bytes_max && rows.next();
             bytes += rows.integer(1))
            last = rows.text(0);
    }
    if (last) {
        t.execute("DELETE FROM record WHERE repo_id = $1 AND key <= $2", repo.value, *last);
        return true;
    }
    if (t.execute("DELETE FROM record_subject WHERE repo_id = $1 AND (subject_hash, key) IN "
                  "(SELECT subject_hash, key FROM record_subject WHERE repo_id = $1 LIMIT $2)",
                  repo.value, limits::removed_rows_max) > 0)
        return true;
    return t.execute(
               "DELETE FROM repo_collection WHERE repo_id = $1 AND collection IN "
               "(SELECT collection FROM repo_collection WHERE repo_id = $1 LIMIT $2)",
               repo.value, limits::removed_rows_max) > 0;
}

}  // namespace roost::pds::record_store
