// The life of an account after sign-up: deactivation, activation, takedown, deletion.
//
// Each change and the event that tells the network of it are one transaction.
// https://atproto.com/specs/account#hosting-status, https://atproto.com/guides/account-lifecycle
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/accounts/key_vault.h"
#include "pds/audit/audit_log.h"
#include "pds/identity/plc_client.h"
#include "pds/identity/resolver.h"

namespace roost::pds {

class Lifecycle {
  public:
    struct Options {
        std::string public_url;
        atproto::PublicKey rotation_key;
    };
    Lifecycle(db::Database& db, const KeyVault& vault, PlcClient& plc, Resolver& resolver,
              Options options)
        : db_(db), vault_(vault), plc_(plc), resolver_(resolver), options_(std::move(options)) {}

    // Errors: the DID document does not point here yet; AccountNotFound.
    Task<Result<void>> activate(Account account);
    Task<Result<void>> deactivate(Account account, std::optional<Timestamp> delete_after);
    // The same by an administrator.
    Task<Result<Audited>> activate(Account account, AdminAct act);
    Task<Result<Audited>> deactivate(Account account, AdminAct act);
    // With a reference the account is taken down, and all its sessions end; without one that is
    // taken back.
    Task<Result<Audited>> set_takedown(Account account, std::optional<std::string> ref,
                                       AdminAct act);
    // Everything of the account goes; its events stay, and one more says that it is gone.
    Task<Result<Audited>> erase(Account account, AdminAct act);
    // The same, if the code is the one that was mailed for it. Errors: InvalidToken, ExpiredToken.
    Task<Result<void>> erase_with_code(Account account, std::string code);
    // Deletes the accounts whose deleteAfter has come.
    Task<Result<void>> erase_due();
    // Tells the network the status once more.
    Task<Result<Audited>> announce(Account account, AdminAct act);

    // Whether the identity's document names this server, the account's signing key and, for
    // did:plc, our rotation key.
    Task<Result<void>> check_identity(Account account);

  private:
    db::Database& db_;
    const KeyVault& vault_;
    PlcClient& plc_;
    Resolver& resolver_;
    Options options_;
};

}  // namespace roost::pds
