// Another handle for an account: in its DID document, in its row, and on the event stream.
//
// A handle below a service domain must be free, one of another domain must name the account's DID
// already. Then, for did:plc:
//   1. one transaction holds the new handle for the account (pending_handle);
//   2. an operation signed with the server's rotation key goes to the PLC directory, unless the
//      document says the handle already;
//   3. one transaction gives the account its handle, tells the network (#identity), and lets go.
// What a crash or an outage leaves between these is settled by settle_pending(), or by the next
// request for the same handle: the directory's document decides. For did:web the owner changes the
// document first, so that there is only step 3. A change to the handle that the account has tells
// the network once more. https://atproto.com/specs/handle
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/accounts/handle_policy.h"
#include "pds/accounts/identity_turns.h"
#include "pds/audit/audit_log.h"
#include "pds/identity/plc_client.h"
#include "pds/identity/resolver.h"

namespace roost::pds {

class HandleChanges {
  public:
    struct Parts {
        db::Database& db;
        const HandlePolicy& handles;
        PlcClient& plc;
        Resolver& resolver;
        IdentityTurns& turns;
    };
    HandleChanges(Parts parts, atproto::PrivateKey rotation_key)
        : parts_(parts), rotation_key_(std::move(rotation_key)) {}

    // The account's status does not matter here. Errors: InvalidHandle, HandleNotAvailable (taken,
    // or reserved), InvalidRequest (a domain that does not name the account; a document that this
    // server cannot change), UpstreamFailure, UpstreamTimeout: the handle stays as it is, unless
    // the directory turns out to have taken the operation.
    Task<Result<void>> change(Account account, std::string handle);
    // The same by an administrator, who may give reserved labels away. Two entries of the audit
    // log: one where the directory is to be told, which may be the last word of a crash.
    Task<Result<Audited>> change(Account account, std::string handle, AdminAct act);

    // Finishes or drops what was cut off; call at the start and now and then.
    Task<void> settle_pending();

  private:
    using By = std::optional<AdminAct>;  // none: the account itself
    Task<Result<std::optional<Audited>>> change_by(Account account, std::string handle, By by);
    Task<Result<atproto::Handle>> check_wanted(const Account& account, std::string wanted,
                                               ReservedLabels reserved);
    Task<Result<void>> change_in_directory(const Account& account, atproto::Handle handle, By by);
    Task<Result<void>> check_document(atproto::Did did, atproto::Handle handle);
    Task<Result<void>> hold(std::int64_t account_id, atproto::Handle handle, By by);
    Task<Result<void>> let_go(std::int64_t account_id);
    Task<Result<std::optional<Audited>>> finish(std::int64_t account_id, atproto::Handle handle,
                                                By by);

    Parts parts_;
    atproto::PrivateKey rotation_key_;
};

}  // namespace roost::pds
