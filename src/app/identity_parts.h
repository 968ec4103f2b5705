// The parts of the house that say and change who is who.
#pragma once

#include <optional>

#include "app/config.h"
#include "app/jobs.h"
#include "pds/accounts/handle_changes.h"
#include "pds/accounts/identities.h"
#include "pds/accounts/identity_turns.h"
#include "pds/accounts/plc_operations.h"
#include "pds/accounts/signing_key_changes.h"

namespace roost::app {

class IdentityParts {
  public:
    struct Needs {  // all outlive it
        db::Database& db;
        const pds::KeyVault& vault;
        const pds::HandlePolicy& handles;
        pds::PlcClient& plc;
        pds::Resolver& resolver;
        pds::Repos& repos;
    };
    IdentityParts(const Needs& needs, const Config& config, const atproto::PrivateKey& rotation_key,
                  const std::optional<atproto::PublicKey>& recovery_key);

  private:
    pds::IdentityTurns turns_;

  public:
    pds::Identities identities;
    pds::HandleChanges handle_changes;
    pds::PlcOperations plc_operations;
    pds::SigningKeyChanges signing_key_changes;
};

void add_identity_jobs(Jobs& jobs, IdentityParts& parts);

}  // namespace roost::app
