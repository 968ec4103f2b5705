// Operations on a did:plc identity that its owner asks for: what this server recommends, the
// signature with the server's rotation key after a code that was mailed, and the submission of an
// operation that leaves the account usable here. https://atproto.com/guides/account-migration
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "atproto/plc/operation.h"
#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/accounts/identity_turns.h"
#include "pds/accounts/key_vault.h"
#include "pds/identity/plc_client.h"
#include "pds/identity/resolver.h"

namespace roost::pds {

class PlcOperations {
  public:
    struct Parts {
        db::Database& db;
        const KeyVault& vault;
        PlcClient& plc;
        Resolver& resolver;
        IdentityTurns& turns;
    };
    struct Options {
        std::string public_url;
        atproto::PrivateKey rotation_key;
        std::optional<atproto::PublicKey> operator_recovery_key;
    };
    PlcOperations(Parts parts, Options options) : parts_(parts), options_(std::move(options)) {}

    // What the identity should say while the account is here.
    Task<Result<atproto::plc::State>> recommended(Account account);

    // What is absent stays as the directory has it.
    struct Changes {
        std::optional<std::vector<std::string>> rotation_keys;
        std::optional<std::vector<std::string>> also_known_as;
        std::optional<atproto::Value> verification_methods;
        std::optional<atproto::Value> services;
    };
    // An operation that the directory would take now. Anything may be asked for, also what leads
    // the account away from here: that is what the code is for, which is used up only if all else
    // is right. Errors: InvalidRequest, InvalidOperation, InvalidToken, ExpiredToken,
    // UnresolvableDid, UpstreamFailure, UpstreamTimeout.
    Task<Result<atproto::plc::Operation>> sign(Account account, std::string code, Changes changes);

    // Tells the network, in whose view the document may have changed. An operation that the
    // directory has already is not sent again. Errors: InvalidRequest for an operation that would
    // take the account from this server, or its identity from its keys; what the directory says.
    Task<Result<void>> submit(Account account, atproto::Value operation);

  private:
    Task<Result<void>> send(atproto::Did did, atproto::plc::Operation operation);

    Parts parts_;
    Options options_;
};

}  // namespace roost::pds
