// What the house finds out, opens and derives from the configuration before it builds its parts.
#pragma once

#include <memory>
#include <string>

#include "app/config.h"
#include "atproto/lexicon/catalog.h"
#include "base/result.h"
#include "base/secret.h"
#include "db/database.h"
#include "pds/mail/mail_queue.h"
#include "pds/sync/event_signal.h"

namespace roost::app {

std::string version_of(const Config& config);
// Makes the data directory if it is not there. `events` is raised at each new event, and outlives
// the database.
Result<std::unique_ptr<db::Database>> open_database(const StorageConfig& storage,
                                                    pds::EventSignal& events);
Result<bool> has_accounts(db::Database& db);
// The wrong key is no reason not to start (docs/operating/recover.md), but to be told at once.
Result<void> try_master_key(db::Database& db, const SecretBytes& key);
Result<lexicon::Catalog> load_catalog();
// Whose service tokens are a moderator's.
std::optional<atproto::Did> moderator_did(const Config& config);
pds::mail::MailOptions mail_options(const Config& config, Mode mode);

}  // namespace roost::app
