#include "pds/accounts/key_store.h"

#include <string>

#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds::key_store {

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
    t.execute(
        "DELETE FROM reserved_key WHERE rowid IN "
        "(SELECT rowid FROM reserved_key ORDER BY rowid DESC LIMIT -1 OFFSET $1)",
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

}  // namespace roost::pds::key_store
