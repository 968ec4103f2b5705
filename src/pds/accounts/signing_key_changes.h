// Another signing key for an account: in its DID document, in its row, and under its repository.
//
// The new key is one that this server has made and handed out by reserveSigningKey. For did:plc:
//   1. one transaction makes the reserved key the account's pending one; it is read back;
//   2. writes to the repository wait from here on, and an operation that names the new key goes to
//      the PLC directory, unless the document names it already;
//   3. one transaction puts the key into its place, tells of the identity, makes a new commit over
//      the same tree that it signs, and tells of that.
// So consumers learn of the key before the first commit that it signs, and the newest commit always
// verifies with the document. What is cut off is settled as in handle_changes.h. For did:web the
// owner puts the key into the document first.
// https://atproto.com/specs/repository#commit-objects, https://atproto.com/specs/sync#sync-events
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/accounts/identity_turns.h"
#include "pds/accounts/key_vault.h"
#include "pds/audit/audit_log.h"
#include "pds/identity/plc_client.h"
#include "pds/identity/resolver.h"
#include "pds/repos/repos.h"

namespace roost::pds {

class SigningKeyChanges {
  public:
    struct Parts {
        db::Database& db;
        const KeyVault& vault;
        PlcClient& plc;
        Resolver& resolver;
        IdentityTurns& turns;
        Repos& repos;
    };
    SigningKeyChanges(Parts parts, atproto::PrivateKey rotation_key)
        : parts_(parts), rotation_key_(std::move(rotation_key)) {}

    // To the key that the account has: the network is told once more. Errors: InvalidRequest (no
    // key that was reserved here, for this account or for none; a document that this server cannot
    // change, or that does not name the key), UpstreamFailure, UpstreamTimeout: the key stays as it
    // is, unless the directory turns out to have taken the operation.
    // Two entries of the audit log: one where the directory is to be told, which may be the last
    // word of a crash.
    Task<Result<Audited>> change(Account account, std::string did_key, AdminAct act);

    // Finishes or takes back what was cut off; call at the start and now and then.
    Task<void> settle_pending();

  private:
    Task<Result<atproto::PublicKey>> prepare(const Account& account, std::string did_key,
                                             AdminAct act);
    // Whether the identity's document names the key, as it stands today.
    Task<Result<bool>> is_named(atproto::Did did, atproto::PublicKey key);
    // Whether the identity names the key now. False: that is not decided.
    Task<Result<bool>> change_identity(atproto::Did did, atproto::PublicKey key);
    Task<Result<void>> give_back(std::int64_t account_id, atproto::Did did);
    // Without an act: it was written down when the change began.
    Task<Result<std::optional<Audited>>> finish(const Repos::Pause& pause, Account account,
                                                std::optional<AdminAct> act);

    Parts parts_;
    atproto::PrivateKey rotation_key_;
};

}  // namespace roost::pds
