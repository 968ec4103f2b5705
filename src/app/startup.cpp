#include "app/startup.h"

#include "app/private_file.h"
#include "base/check.h"
#include "base/log.h"
#include "base/run_loop.h"
#include "lexicon/embedded_documents.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/key_store.h"
#include "pds/accounts/key_vault.h"
#include "pds/accounts/session_cache.h"

namespace roost::app {

std::string version_of(const Config& config) {
    return config.service.version.empty() ? ROOST_VERSION : config.service.version;
}

Result<std::unique_ptr<db::Database>> open_database(const StorageConfig& storage,
                                                    pds::EventSignal& events) {
    TRY(make_private_directory(storage.data_directory));
    return db::Database::open({.path = storage.database_file().string(),
                               .watched_tables = pds::watched_tables(),
                               .listeners = {{"event", [&events] { events.raise(); }}}});
}

Result<bool> has_accounts(db::Database& db) {
    RunLoop loop;
    return loop.run(
        db.read([](db::Transaction& t) -> Result<bool> { return pds::account_store::has_any(t); }));
}

Result<void> try_master_key(db::Database& db, const SecretBytes& key) {
    RunLoop loop;
    const pds::KeyVault vault(key);
    const bool opens = TRY(loop.run(db.read([&](db::Transaction& t) -> Result<bool> {
        return pds::key_store::newest_opens(t, vault);
    })));
    if (!opens)
        log::error(
            "the newest signing key does not open with this master key: put back the one that was "
            "in force when this database was written, or accounts cannot sign");
    return {};
}

Result<lexicon::Catalog> load_catalog() {
    return lexicon::Catalog::of(lexicon::embedded_documents());
}

std::optional<atproto::Did> moderator_did(const Config& config) {
    if (!config.proxy.moderation) return std::nullopt;
    Result<atproto::Did> did = atproto::Did::parse(config.proxy.moderation->did);
    check(did.has_value(), "a setting that is a DID was checked");
    return *std::move(did);
}

pds::mail::MailOptions mail_options(const Config& config, Mode mode) {
    pds::mail::MailOptions options;
    options.hostname = config.service.hostname;
    options.branding = {.service = config.service.name,
                        .url = config.service.public_url,
                        .confirm_link = config.mail.confirmation_link
                                            ? "https://bsky.app/intent/verify-email?code="
                                            : ""};
    options.template_folder = config.mail.template_directory;
    if (config.mail.server) {
        options.delivery = pds::mail::Delivery::smtp;
        options.smtp_url = config.mail.server->smtp_url;
        options.from = config.mail.server->from_address;
    } else if (mode == Mode::dev) {
        options.delivery = pds::mail::Delivery::outbox;
    }
    if (config.mail.moderation_server)
        options.moderation = {.smtp_url = config.mail.moderation_server->smtp_url,
                              .from = config.mail.moderation_server->from_address};
    return options;
}

}  // namespace roost::app
