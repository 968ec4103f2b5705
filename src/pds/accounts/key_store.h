// The rows of signing keys, of accounts and reserved ones: all SQL about them. Keys are sealed by
// the vault on the way in and opened on the way out. Functions run inside the caller's transaction.
// The keys of pending sign-ups, which their own rows hold, count among the sealed ones here, and so
// do those that accounts are about to have.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/crypto/keys.h"
#include "atproto/syntax/syntax.h"
#include "base/clock.h"
#include "base/result.h"
#include "db/transaction.h"
#include "pds/accounts/key_vault.h"

namespace roost::pds::key_store {

void insert(db::Transaction& t, std::int64_t account_id, const atproto::PrivateKey& key,
            const KeyVault& vault);
// The account exists, so its key does: errors mean a wrong master key.
Result<atproto::PrivateKey> find(db::Transaction& t, std::int64_t account_id,
                                 const KeyVault& vault);

// The did:key of the key that waits for this DID; the one reserved before if there is one, else the
// candidate. Without a DID always the candidate. The oldest reservations make room beyond
// limits::reserved_keys_max.
std::string reserve(db::Transaction& t, const std::optional<atproto::Did>& did,
                    const atproto::PrivateKey& candidate, const KeyVault& vault, Timestamp now);
// The key reserved for this DID, which is then reserved no more.
Result<std::optional<atproto::PrivateKey>> take_reserved(db::Transaction& t,
                                                         const atproto::Did& did,
                                                         const KeyVault& vault);

void forget_reserved(db::Transaction& t, const atproto::Did& did);

// A key that an account is about to have; see signing_key_changes.h.
struct PendingKey {
    std::int64_t account_id;
    std::string did_key;
    Timestamp created_at;
};
// Takes the reserved key out of the reservations, for an account that has no pending one. False:
// there is no such key, or it is reserved for another DID.
bool make_pending(db::Transaction& t, std::int64_t account_id, const atproto::Did& did,
                  std::string_view did_key, Timestamp now);
std::optional<PendingKey> find_pending(db::Transaction& t, std::int64_t account_id);
// Oldest first.
std::vector<PendingKey> all_pending(db::Transaction& t, int limit);
// The account has one. Errors: as of find().
Result<atproto::PrivateKey> open_pending(db::Transaction& t, std::int64_t account_id,
                                         const KeyVault& vault);
// The pending key takes the place of the account's key, which is gone then.
void adopt_pending(db::Transaction& t, std::int64_t account_id);
// The pending key is reserved again, for this DID.
void give_back_pending(db::Transaction& t, std::int64_t account_id, const atproto::Did& did);

// Whether the newest account's key opens; also if there is no account.
bool newest_opens(db::Transaction& t, const KeyVault& vault);
// Whether there is a sealed key that opens.
bool any_opens(db::Transaction& t, const KeyVault& vault);

struct Resealed {
    std::int64_t done = 0;
    std::int64_t unreadable = 0;  // did not open, and were left as they are
};
// Called now and then: keys looked at, of all.
using Progress = std::function<void(std::int64_t seen, std::int64_t all)>;
// Seals all keys that open with one vault with the other. Each is proved to open before the old one
// is overwritten; what it was sealed as is erased from the file, too.
Resealed reseal_all(db::Transaction& t, const KeyVault& from, const KeyVault& to,
                    const Progress& progress);

}  // namespace roost::pds::key_store
