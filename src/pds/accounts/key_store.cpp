#include "pds/accounts/key_store.h"

#include <array>
#include <string>
#include <vector>

#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds::key_store {

namespace {

// Rows that are in memory at once, and a step of the progress that is told. A table is not changed
// while it is being stepped through.
constexpr int resealed_together = 1'000;

// A table with sealed keys.
struct SealedTable {
    db::Sql count;
    db::Sql read;   // those after a row, in order
    db::Sql write;  // the new value of a row
};

constexpr std::array sealed_tables{
    SealedTable{"SELECT count(*) FROM signing_key",
                "SELECT rowid, did_key, sealed FROM signing_key WHERE rowid > $1 "
                "ORDER BY rowid LIMIT $2",
                "UPDATE signing_key SET sealed = $2 WHERE rowid = $1"},
    SealedTable{"SELECT count(*) FROM reserved_key",
                "SELECT rowid, did_key, sealed FROM reserved_key WHERE rowid > $1 "
                "ORDER BY rowid LIMIT $2",
                "UPDATE reserved_key SET sealed = $2 WHERE rowid = $1"},
    SealedTable{"SELECT count(*) FROM pending_signup",
                "SELECT rowid, did_key, sealed FROM pending_signup WHERE rowid > $1 "
                "ORDER BY rowid LIMIT $2",
                "UPDATE pending_signup SET sealed = $2 WHERE rowid = $1"},
    SealedTable{"SELECT count(*) FROM pending_signing_key",
                "SELECT rowid, did_key, sealed FROM pending_signing_key WHERE rowid > $1 "
                "ORDER BY rowid LIMIT $2",
                "UPDATE pending_signing_key SET sealed = $2 WHERE rowid = $1"},
};

struct SealedRow {
    std::int64_t rowid;
    std::string did_key;
    Bytes sealed;
};

std::vector<SealedRow> rows_after(db::Transaction& t, const SealedTable& table,
                                  std::int64_t rowid) {
    std::vector<SealedRow> found;
    db::Rows rows = t.select(table.read, rowid, resealed_together);
    while (rows.next()) {
        const ByteView sealed = rows.bytes(2);
        found.push_back(
            {rows.integer(0), std::string(rows.text(1)), Bytes(sealed.begin(), sealed.end())});
    }
    return found;
}

std::int64_t count_of(db::Transaction& t, const SealedTable& table) {
    db::Rows row = t.select(table.count);
    check(row.next(), "a count has a row");
    return row.integer(0);
}

void reseal(db::Transaction& t, const SealedTable& table, const SealedRow& row,
            const KeyVault& from, const KeyVault& to, Resealed& sum) {
    const Result<atproto::PrivateKey> key = from.open(row.sealed, row.did_key);
    if (!key.has_value()) {
        ++sum.unreadable;
        return;
    }
    const Bytes sealed = to.seal(*key);
    check(to.open(sealed, row.did_key).has_value(), "what was sealed opens");
    t.execute(table.write, row.rowid, sealed);
    ++sum.done;
}

}  // namespace

void insert(db::Transaction& t, std::int64_t account_id, const atproto::PrivateKey& key,
            const KeyVault& vault) {
    t.execute("INSERT INTO signing_key (account_id, did_key, sealed) VALUES ($1, $2, $3)",
              account_id, key.public_key().did_key(), vault.seal(key));
}

Result<atproto::PrivateKey> find(db::Transaction& t, std::int64_t account_id,
                                 const KeyVault& vault) {
    db::Rows row =
        t.select("SELECT sealed, did_key FROM signing_key WHERE account_id = $1", account_id);
    check(row.next(), "an account has a signing key");
    return vault.open(row.bytes(0), row.text(1));
}

std::string reserve(db::Transaction& t, const std::optional<atproto::Did>& did,
                    const atproto::PrivateKey& candidate, const KeyVault& vault, Timestamp now) {
    if (did) {
        db::Rows row = t.select("SELECT did_key FROM reserved_key WHERE did = $1", did->text());
        if (row.next()) return std::string(row.text(0));
    }
    std::string did_key = candidate.public_key().did_key();
    const std::optional<std::string> owner = did ? std::optional(did->text()) : std::nullopt;
    t.execute("INSERT INTO reserved_key (did_key, did, sealed, created_at) VALUES ($1, $2, $3, $4)",
              did_key, owner, vault.seal(candidate), now);
    t.execute("DELETE FROM reserved_key WHERE rowid <= (SELECT max(rowid) FROM reserved_key) - $1",
              limits::reserved_keys_max);
    return did_key;
}

Result<std::optional<atproto::PrivateKey>> take_reserved(db::Transaction& t,
                                                         const atproto::Did& did,
                                                         const KeyVault& vault) {
    std::optional<atproto::PrivateKey> key;
    {
        db::Rows row =
            t.select("SELECT sealed, did_key FROM reserved_key WHERE did = $1", did.text());
        if (!row.next()) return key;
        key = TRY(vault.open(row.bytes(0), row.text(1)));
    }
    forget_reserved(t, did);
    return key;
}

void forget_reserved(db::Transaction& t, const atproto::Did& did) {
    t.execute("DELETE FROM reserved_key WHERE did = $1", did.text());
}

bool make_pending(db::Transaction& t, std::int64_t account_id, const atproto::Did& did,
                  std::string_view did_key, Timestamp now) {
    const std::int64_t count = t.execute(
        "INSERT INTO pending_signing_key (account_id, did_key, sealed, created_at) "
        "SELECT $1, did_key, sealed, $4 FROM reserved_key "
        "WHERE did_key = $2 AND (did IS NULL OR did = $3)",
        account_id, did_key, did.text(), now);
    if (count == 0) return false;
    t.execute("DELETE FROM reserved_key WHERE did_key = $1", did_key);
    return true;
}

std::optional<PendingKey> find_pending(db::Transaction& t, std::int64_t account_id) {
    db::Rows row = t.select(
        "SELECT did_key, created_at FROM pending_signing_key WHERE account_id = $1", account_id);
    if (!row.next()) return std::nullopt;
    return PendingKey{account_id, std::string(row.text(0)), row.time(1)};
}

std::vector<PendingKey> all_pending(db::Transaction& t, int limit) {
    std::vector<PendingKey> found;
    db::Rows rows = t.select(
        "SELECT account_id, did_key, created_at FROM pending_signing_key "
        "ORDER BY created_at LIMIT $1",
        limit);
    while (rows.next())
        found.push_back({rows.integer(0), std::string(rows.text(1)), rows.time(2)});
    return found;
}

Result<atproto::PrivateKey> open_pending(db::Transaction& t, std::int64_t account_id,
                                         const KeyVault& vault) {
    db::Rows row = t.select("SELECT sealed, did_key FROM pending_signing_key WHERE account_id = $1",
                            account_id);
    check(row.next(), "the account has a pending key");
    return vault.open(row.bytes(0), row.text(1));
}

void adopt_pending(db::Transaction& t, std::int64_t account_id) {
    const std::int64_t count = t.execute(
        "UPDATE signing_key SET (did_key, sealed) = (SELECT did_key, sealed FROM "
        "pending_signing_key p WHERE p.account_id = signing_key.account_id) "
        "WHERE account_id = $1 AND EXISTS (SELECT 1 FROM pending_signing_key WHERE account_id = "
        "$1)",
        account_id);
    check(count == 1, "the account has a key and a pending one");
    t.execute("DELETE FROM pending_signing_key WHERE account_id = $1", account_id);
}

void give_back_pending(db::Transaction& t, std::int64_t account_id, const atproto::Did& did) {
    forget_reserved(t, did);
    t.execute(
        "INSERT INTO reserved_key (did_key, did, sealed, created_at) "
        "SELECT did_key, $2, sealed, created_at FROM pending_signing_key WHERE account_id = $1",
        account_id, did.text());
    t.execute("DELETE FROM pending_signing_key WHERE account_id = $1", account_id);
}

bool newest_opens(db::Transaction& t, const KeyVault& vault) {
    db::Rows row =
        t.select("SELECT sealed, did_key FROM signing_key ORDER BY account_id DESC LIMIT 1");
    return !row.next() || vault.open(row.bytes(0), row.text(1)).has_value();
}

bool any_opens(db::Transaction& t, const KeyVault& vault) {
    for (const SealedTable& table : sealed_tables)
        for (std::vector<SealedRow> rows = rows_after(t, table, 0); !rows.empty();
             rows = rows_after(t, table, rows.back().rowid))
            for (const SealedRow& row : rows)
                if (vault.open(row.sealed, row.did_key).has_value()) return true;
    return false;
}

Resealed reseal_all(db::Transaction& t, const KeyVault& from, const KeyVault& to,
                    const Progress& progress) {
    {
        // Of this connection, from here on: bytes that a change frees are overwritten.
        // https://www.sqlite.org/pragma.html#pragma_secure_delete
        db::Rows setting = t.select("PRAGMA secure_delete = ON");
        check(setting.next() && setting.integer(0) == 1, "freed bytes can be overwritten");
    }
    std::int64_t all = 0;
    for (const SealedTable& table : sealed_tables)
        all += count_of(t, table);
    Resealed sum;
    for (const SealedTable& table : sealed_tables)
        for (std::vector<SealedRow> rows = rows_after(t, table, 0); !rows.empty();
             rows = rows_after(t, table, rows.back().rowid)) {
            for (const SealedRow& row : rows)
                reseal(t, table, row, from, to, sum);
            progress(sum.done + sum.unreadable, all);
        }
    return sum;
}

}  // namespace roost::pds::key_store
