#include "app/identity_parts.h"

namespace roost::app {

namespace {

// How long a change that was cut off stays undecided, at most, if the directory answers.
constexpr std::int64_t settle_ms = 30'000;

}  // namespace

IdentityParts::IdentityParts(const Needs& needs, const Config& config,
                             const atproto::PrivateKey& rotation_key,
                             const std::optional<atproto::PublicKey>& recovery_key)
    : identities(needs.db, needs.handles, needs.resolver),
      handle_changes({.db = needs.db,
                      .handles = needs.handles,
                      .plc = needs.plc,
                      .resolver = needs.resolver,
                      .turns = turns_},
                     rotation_key),
      plc_operations({.db = needs.db,
                      .vault = needs.vault,
                      .plc = needs.plc,
                      .resolver = needs.resolver,
                      .turns = turns_},
                     {.public_url = config.service.public_url,
                      .rotation_key = rotation_key,
                      .operator_recovery_key = recovery_key}),
      signing_key_changes({.db = needs.db,
                           .vault = needs.vault,
                           .plc = needs.plc,
                           .resolver = needs.resolver,
                           .turns = turns_,
                           .repos = needs.repos},
                          rotation_key) {}

void add_identity_jobs(Jobs& jobs, IdentityParts& parts) {
    jobs.every(settle_ms, "settle handles",
               [&parts] { return parts.handle_changes.settle_pending(); });
    jobs.every(settle_ms, "settle signing keys",
               [&parts] { return parts.signing_key_changes.settle_pending(); });
}

}  // namespace roost::app
