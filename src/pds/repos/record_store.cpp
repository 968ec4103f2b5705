#include "pds/repos/record_store.h"

#include <algorithm>

#include "base/check.h"

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

void put(db::Transaction& t, std::int64_t account_id, std::string_view key, const atproto::Cid& cid,
         std::uint64_t rev, ByteView value) {
    t.execute(
        "INSERT INTO record (account_id, key, cid, rev, value) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO UPDATE SET cid = excluded.cid, rev = excluded.rev, value = excluded.value",
        account_id, key, ByteView(cid.digest()), rev, value);
    t.execute(
        "INSERT INTO repo_collection (collection, account_id) VALUES ($1, $2) "
        "ON CONFLICT DO NOTHING",
        collection_of(key), account_id);
}

void erase(db::Transaction& t, std::int64_t account_id, std::string_view key) {
    const std::int64_t erased =
        t.execute("DELETE FROM record WHERE account_id = $1 AND key = $2", account_id, key);
    check(erased == 1, "a record that is deleted exists");
    const std::string_view collection = collection_of(key);
    t.execute(
        "DELETE FROM repo_collection WHERE collection = $1 AND account_id = $2 AND NOT EXISTS "
        "(SELECT 1 FROM record WHERE account_id = $2 AND key > $1 || '/' AND key < $1 || '0')",
        collection, account_id);
}

bool set_takedown(db::Transaction& t, std::int64_t account_id, std::string_view key,
                  const std::optional<std::string>& ref) {
    return t.execute("UPDATE record SET takedown_ref = $1 WHERE account_id = $2 AND key = $3", ref,
                     account_id, key) == 1;
}

std::optional<Record> find(db::Transaction& t, std::int64_t account_id, std::string_view key) {
    db::Rows row = t.select(
        "SELECT key, cid, rev, takedown_ref, value FROM record WHERE account_id = $1 AND key = $2",
        account_id, key);
    if (!row.next()) return std::nullopt;
    return read_row(row);
}

std::vector<Record> list(db::Transaction& t, std::int64_t account_id, std::string_view collection,
                         const Range& range) {
    std::string after(collection), before(collection);
    after += '/';
    if (range.after) after += *range.after;
    // The character after '/': the end of the collection.
    if (range.before)
        before.append(1, '/').append(*range.before);
    else
        before += '0';
    std::vector<Record> found;
    db::Rows rows =
        range.order == Order::ascending
            ? t.select(
                  "SELECT key, cid, rev, takedown_ref, value FROM record "
                  "WHERE account_id = $1 AND key > $2 AND key < $3 AND takedown_ref IS NULL "
                  "ORDER BY key LIMIT $4",
                  account_id, after, before, range.limit)
            : t.select(
                  "SELECT key, cid, rev, takedown_ref, value FROM record "
                  "WHERE account_id = $1 AND key > $2 AND key < $3 AND takedown_ref IS NULL "
                  "ORDER BY key DESC LIMIT $4",
                  account_id, after, before, range.limit);
    while (rows.next())
        found.push_back(read_row(rows));
    return found;
}

std::vector<atproto::mst::KeyValue> keys(db::Transaction& t, std::int64_t account_id) {
    std::vector<atproto::mst::KeyValue> found;
    db::Rows rows =
        t.select("SELECT key, cid FROM record WHERE account_id = $1 ORDER BY key", account_id);
    while (rows.next())
        found.push_back({std::string(rows.text(0)), read_cid(rows.bytes(1))});
    return found;
}

db::Rows scan(db::Transaction& t, std::int64_t account_id) {
    return t.select("SELECT key, value FROM record WHERE account_id = $1 ORDER BY key", account_id);
}

db::Rows scan(db::Transaction& t, std::int64_t account_id, std::string_view collection) {
    return t.select(
        "SELECT key, value FROM record WHERE account_id = $1 AND key > $2 || '/' "
        "AND key < $2 || '0' ORDER BY key",
        account_id, collection);
}

std::vector<std::string> collections(db::Transaction& t, std::int64_t account_id) {
    std::vector<std::string> found;
    db::Rows rows =
        t.select("SELECT collection FROM repo_collection WHERE account_id = $1 ORDER BY collection",
                 account_id);
    while (rows.next())
        found.emplace_back(rows.text(0));
    return found;
}

void add_subject(db::Transaction& t, std::int64_t account_id, std::string_view collection,
                 std::string_view subject, std::string_view key) {
    t.execute(
        "INSERT INTO record_subject (account_id, subject_hash, key) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING",
        account_id, subject_hash(collection, subject), key);
}

void erase_subject(db::Transaction& t, std::int64_t account_id, std::string_view collection,
                   std::string_view subject, std::string_view key) {
    t.execute("DELETE FROM record_subject WHERE account_id = $1 AND subject_hash = $2 AND key = $3",
              account_id, subject_hash(collection, subject), key);
}

std::vector<std::string> find_by_subject(db::Transaction& t, std::int64_t account_id,
                                         std::string_view collection, std::string_view subject) {
    std::vector<std::string> found;
    db::Rows rows = t.select(
        "SELECT key FROM record_subject WHERE account_id = $1 AND subject_hash = $2 ORDER BY key",
        account_id, subject_hash(collection, subject));
    while (rows.next())
        found.emplace_back(rows.text(0));
    return found;
}

}  // namespace roost::pds::record_store
