// Sign-up: from a request to an account with a registered identity and a signed repository.
//
// A new identity takes three durable steps, so that a crash or an outage of the PLC directory at
// any moment leaves neither a half account nor a handle, address or invite code that is taken for
// nothing:
//   1. one transaction writes the sealed signing key, the signed operation and everything that was
//      asked for as a pending sign-up;
//   2. the operation goes to the directory;
//   3. one transaction makes the account, its repository, its events and its first session, and
//      removes the pending sign-up.
// What a crash leaves at step 1 or 2 is settled by settle_pending(): if the directory knows the DID
// the account is finished, else the sign-up is dropped. A new request for the same handle or
// address does not wait for that, it takes the place. An account that migrates here brings its DID,
// so it takes one transaction, and starts deactivated. https://atproto.com/specs/account,
// https://atproto.com/guides/account-migration
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/handle_policy.h"
#include "pds/accounts/hash_pool.h"
#include "pds/accounts/invites.h"
#include "pds/accounts/key_vault.h"
#include "pds/accounts/sessions.h"
#include "pds/identity/plc_client.h"
#include "pds/identity/resolver.h"

namespace roost::pds {

struct SignUpRequest {
    std::string handle;
    std::optional<std::string> email;
    SecretText password;
    std::optional<std::string> invite_code;
    std::optional<std::string> recovery_key;
    // A DID that the caller has proved to own.
    std::optional<atproto::Did> did;
};

class SignUp {
  public:
    struct Parts {
        db::Database& db;
        HashPool& hashes;
        const KeyVault& vault;
        const HandlePolicy& handles;
        const Sessions& sessions;
        PlcClient& plc;
        Resolver& resolver;
    };
    struct Options {
        std::string public_url;
        atproto::PrivateKey rotation_key;
        std::optional<atproto::PublicKey> operator_recovery_key;
        InvitePolicy invites;
    };
    struct Done {
        Account account;
        TokenPair tokens;
        // Of an identity that was made here; a migrated one has its own.
        std::optional<atproto::Value> did_document = std::nullopt;
    };

    SignUp(Parts parts, Options options) : parts_(parts), options_(std::move(options)) {}

    // Errors: InvalidHandle, HandleNotAvailable, UnsupportedDomain, InvalidPassword,
    // InvalidInviteCode, InvalidRequest (e-mail, recovery key); UpstreamFailure when the directory
    // cannot be reached. Whether that has the identity is not known then; the handle, the address
    // and the invite code are free.
    Task<Result<Done>> create(SignUpRequest request);

    // Finishes or drops what an earlier process left; call at the start and now and then.
    Task<void> settle_pending();

  private:
    struct Checked;
    Task<Result<Checked>> check_request(const SignUpRequest& request);
    Task<Result<Done>> create_migrated(Checked checked, atproto::Did did);
    Task<Result<Done>> create_new(Checked checked);
    Task<Result<bool>> register_identity(const account_store::PendingSignup& signup);
    Task<Result<std::optional<Done>>> finish(atproto::Did did);
    // False: it could not be removed now.
    Task<bool> drop(atproto::Did did);
    Result<Done> make_account(db::Transaction& t, const account_store::NewAccount& fields,
                              const atproto::PrivateKey& key, Timestamp now) const;

    // Marks a DID as being signed up by this process, for as long as the mark lives.
    class InFlight;
    bool is_in_flight(const atproto::Did& did) const;
    // Removes what earlier sign-ups left for this handle or address, unless they are in flight.
    Result<void> take_place(db::Transaction& t, const atproto::Handle& handle,
                            const std::optional<std::string>& email) const;

    Parts parts_;
    Options options_;
    mutable std::mutex mutex_;
    std::set<atproto::Did> in_flight_;
};

}  // namespace roost::pds
