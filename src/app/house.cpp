#include "app/house.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "api/routes.h"
#include "api/services.h"
#include "app/account_jobs.h"
#include "app/blob_place.h"
#include "app/call_observer.h"
#include "app/dev_banner.h"
#include "app/identity_parts.h"
#include "app/jobs.h"
#include "app/key_rotation.h"
#include "app/proxy_parts.h"
#include "app/repo_parts.h"
#include "app/samples.h"
#include "app/secrets_file.h"
#include "app/startup.h"
#include "atproto/lexicon/catalog.h"
#include "base/check.h"
#include "base/log.h"
#include "db/database.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "pds/accounts/account_cache.h"
#include "pds/accounts/emails.h"
#include "pds/accounts/lifecycle.h"
#include "pds/accounts/log_in.h"
#include "pds/accounts/passwords.h"
#include "pds/accounts/sign_up.h"
#include "pds/identity/resolver.h"
#include "pds/lexicons/lexicons.h"
#include "pds/plc_directory/plc_directory.h"
#include "pds/repos/repos.h"
#include "pds/sync/crawlers.h"
#include "pds/sync/event_signal.h"
#include "pds/sync/firehose.h"
#include "web/metrics.h"
#include "web/metrics_page.h"
#include "web/plc_site.h"
#include "web/site.h"
#include "xrpc/auth.h"
#include "xrpc/router.h"

namespace roost::app {

namespace {

// Requests in hand get this long after SIGTERM; the whole process ends within 5 s.
constexpr int drain_ms = 2'500;
constexpr std::int64_t job_drain_ms = 500;

// Its port follows from the server's, so it may be a surprise that there is one.
Error without_metrics(const Error& error) {
    return {error.fault, error.name,
            error.message +
                " ROOST_METRICS_ADDRESS names another address:port for /metrics, or is "
                "off."};
}

bool is_in_any(const std::vector<IpRange>& ranges, const net::IpAddress& address) {
    for (const IpRange& range : ranges)
        if (range.contains(address)) return true;
    return false;
}

std::optional<std::string> if_set(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

// Every part, in the order in which it is built; they end in the opposite order.
class House {
  public:
    static Result<std::unique_ptr<House>> build(const Config& config, Mode mode);
    void run();

  private:
    House(const Config& config, Mode mode, std::unique_ptr<pds::EventSignal> events,
          std::unique_ptr<db::Database> db, Secrets secrets, atproto::PrivateKey rotation_key,
          lexicon::Catalog catalog, std::unique_ptr<pds::mail::MailQueue> mail,
          std::optional<atproto::PublicKey> recovery_key, BlobPlace blob_place);
    Result<void> listen();
    Result<void> listen_for_metrics(const AddressAndPort& place);
    void start_jobs();
    void stop();

    const Config& config_;
    Mode mode_;
    std::unique_ptr<pds::EventSignal> events_;
    std::unique_ptr<db::Database> db_;
    Secrets secrets_;
    lexicon::Catalog catalog_;
    std::unique_ptr<pds::mail::MailQueue> mail_;
    std::unique_ptr<net::HttpClient> http_;
    pds::KeyVault vault_;
    pds::Tokens tokens_;
    pds::HashPool hashes_;
    pds::HandlePolicy handles_;
    pds::PlcClient plc_;
    pds::Resolver resolver_;
    pds::Lexicons lexicons_;
    pds::AccountCache accounts_;
    pds::Sessions sessions_;
    pds::SignUp sign_up_;
    pds::LogIn log_in_;
    pds::Passwords passwords_;
    pds::Emails emails_;
    pds::Lifecycle lifecycle_;
    pds::Repos repos_;
    IdentityParts identity_;
    pds::RepoRemoval removal_;
    pds::RestoreWatch restore_watch_;
    BlobPlace blob_place_;
    std::unique_ptr<pds::Blobs> blobs_;
    pds::RepoImports imports_;
    pds::Firehose firehose_;
    pds::Crawlers crawlers_;
    ProxyParts proxying_;
    api::Services services_;
    CallObserver observer_;
    xrpc::RateLimiter rates_;
    xrpc::Authenticator authenticator_;
    xrpc::Router router_;
    std::optional<web::Metrics> metrics_;
    web::Site site_;
    std::optional<web::MetricsPage> metrics_page_;
    std::optional<pds::PlcDirectory> plc_directory_;
    std::optional<web::PlcSite> plc_site_;
    std::unique_ptr<net::HttpServer> server_;
    std::unique_ptr<net::HttpServer> metrics_server_;
    std::unique_ptr<net::HttpServer> plc_server_;
    std::optional<Jobs> jobs_;
};

House::House(const Config& config, Mode mode, std::unique_ptr<pds::EventSignal> events,
             std::unique_ptr<db::Database> db, Secrets secrets, atproto::PrivateKey rotation_key,
             lexicon::Catalog catalog, std::unique_ptr<pds::mail::MailQueue> mail,
             std::optional<atproto::PublicKey> recovery_key, BlobPlace blob_place)
    : config_(config),
      mode_(mode),
      events_(std::move(events)),
      db_(std::move(db)),
      secrets_(std::move(secrets)),
      catalog_(std::move(catalog)),
      mail_(std::move(mail)),
      http_(net::HttpClient::make({.nameservers = {},
                                   .backup_nameservers = config.identity.backup_nameservers,
                                   .private_addresses = config.fetch.allows_private_addresses
                                                            ? net::PrivateAddresses::allowed
                                                            : net::PrivateAddresses::refused})),
      vault_(secrets_.master_key),
      tokens_(secrets_.jwt_secret, config.service.did),
      hashes_(std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / 2)),
      handles_(config.identity.handle_domains,
               config.identity.punycode_handles == IdentityConfig::Punycode::allowed
                   ? pds::PunycodeHandles::allowed
                   : pds::PunycodeHandles::refused),
      plc_(*http_, config.identity.plc_url, config.identity.plc_fallback_url),
      resolver_(*http_, plc_,
                {.timeout_ms = static_cast<int>(config.identity.resolver_timeout_ms),
                 .ages = {.stale_ms = config.identity.cache_stale_ms,
                          .max_ms = config.identity.cache_max_ms}}),
      lexicons_(*http_, resolver_, catalog_),
      accounts_(*db_),
      sessions_(*db_, tokens_),
      sign_up_({.db = *db_,
                .hashes = hashes_,
                .vault = vault_,
                .handles = handles_,
                .sessions = sessions_,
                .plc = plc_,
                .resolver = resolver_},
               {.public_url = config.service.public_url,
                .rotation_key = rotation_key,
                .operator_recovery_key = recovery_key,
                .invites = config.invites.required ? pds::InvitePolicy::required
                                                   : pds::InvitePolicy::open}),
      log_in_(*db_, hashes_, sessions_, *mail_),
      passwords_(*db_, hashes_, *mail_),
      emails_(*db_, *mail_),
      lifecycle_(
          *db_, vault_, plc_, resolver_,
          {.public_url = config.service.public_url, .rotation_key = rotation_key.public_key()}),
      repos_(*db_, signing_keys(vault_), catalog_,
             config.storage.verifies_commits ? pds::SignatureCheck::on : pds::SignatureCheck::off),
      identity_({.db = *db_,
                 .vault = vault_,
                 .handles = handles_,
                 .plc = plc_,
                 .resolver = resolver_,
                 .repos = repos_},
                config, rotation_key, recovery_key),
      removal_(*db_),
      restore_watch_(*db_, repos_, config.storage.newest_event_file()),
      blob_place_(std::move(blob_place)),
      blobs_(make_blobs(blob_place_, config, *db_, *http_)),
      imports_(*db_, *blob_place_.pool, repos_, removal_, signing_keys(vault_),
               import_options(config, blob_place_)),
      firehose_(*db_, {.backfill_ms = config.stream.backfill_ms,
                       .lag_events_max = static_cast<std::size_t>(config.stream.lag_events_max)}),
      crawlers_(*db_, *http_,
                {.hostname = config.service.hostname, .urls = config.stream.crawlers}),
      proxying_(config.proxy, *db_, vault_, resolver_, *http_),
      services_{.db = *db_,
                .accounts = accounts_,
                .vault = vault_,
                .handles = handles_,
                .resolver = resolver_,
                .lexicons = lexicons_,
                .sessions = sessions_,
                .sign_up = sign_up_,
                .log_in = log_in_,
                .passwords = passwords_,
                .emails = emails_,
                .lifecycle = lifecycle_,
                .repos = repos_,
                .imports = imports_,
                .blobs = *blobs_,
                .firehose = firehose_,
                .proxy = proxying_.proxy,
                .identities = identity_.identities,
                .handle_changes = identity_.handle_changes,
                .plc_operations = identity_.plc_operations,
                .signing_key_changes = identity_.signing_key_changes,
                .facts = {.did = config.service.did,
                          .hostname = config.service.hostname,
                          .invites = config.invites.required ? pds::InvitePolicy::required
                                                             : pds::InvitePolicy::open,
                          .invite_earning = std::nullopt,
                          .blob_upload_limit = config.service.blob_bytes_max,
                          .privacy_policy_url = if_set(config.service.privacy_policy_url),
                          .terms_of_service_url = if_set(config.service.terms_of_service_url),
                          .contact_email = if_set(config.service.contact_email),
                          .did_doc_in_session = config.identity.session_has_did_doc
                                                    ? api::DidDocInSession::yes
                                                    : api::DidDocInSession::no,
                          .image_url_pattern = if_set(config.proxy.app_view_cdn_url_pattern)}},
      authenticator_(
          sessions_, tokens_, resolver_, rates_,
          {.admin_password = secrets_.admin_password,
           .admin_from = config.listen.admin_from == ListenConfig::AdminFrom::loopback_only
                             ? xrpc::AdminFrom::loopback_only
                             : xrpc::AdminFrom::anywhere,
           .service_did = config.service.did,
           .moderator_did = moderator_did(config)}),
      router_(
          catalog_, authenticator_, rates_, observer_,
          {.rate_limits = config.rate_limits.enabled ? xrpc::RateLimits::on : xrpc::RateLimits::off,
           .bypass_key = config.rate_limits.bypass_key,
           .is_bypassed =
               [&config](const net::IpAddress& address) {
                   return is_in_any(config.rate_limits.bypass_ranges, address);
               },
           .is_trusted_proxy =
               [&config](const net::IpAddress& address) {
                   return is_in_any(config.listen.trusted_proxies, address);
               },
           .proxy = &proxying_.proxy}),
      site_(router_, *db_, handles_, *mail_,
            {.version = version_of(config),
             .service_did = config.service.did.text(),
             .public_url = config.service.public_url,
             .dev_pages = mode == Mode::dev ? web::DevPages::on : web::DevPages::off}) {
    if (config.invites.interval_ms)
        services_.facts.invite_earning = {.interval_ms = *config.invites.interval_ms,
                                          .epoch_ms = config.invites.epoch_ms};
    events_->connect([this] {
        firehose_.wake();
        crawlers_.wake();
    });
    api::add_routes(router_, services_);
    metrics_.emplace(router_.methods());
    observer_.watch(*metrics_);
}

Result<std::unique_ptr<House>> House::build(const Config& config, Mode mode) {
    auto events = std::make_unique<pds::EventSignal>();
    std::unique_ptr<db::Database> db = TRY(open_database(config.storage, *events));
    TRY(settle_rotation(config.storage, *db));
    const bool may_have_accounts = TRY(has_accounts(*db));
    LoadedSecrets loaded =
        TRY(load_or_make_secrets(config, may_have_accounts ? Accounts::may_exist : Accounts::none));
    for (const std::string& made : loaded.made)
        log::info("made a secret", {{"what", made}});
    TRY(try_master_key(*db, loaded.secrets.master_key));
    atproto::PrivateKey rotation_key =
        TRY(atproto::PrivateKey::from_raw(atproto::Curve::k256, loaded.secrets.plc_rotation_key));
    std::optional<atproto::PublicKey> recovery_key;
    if (!config.identity.recovery_did_key.empty())
        recovery_key = TRY(atproto::PublicKey::parse_did_key(config.identity.recovery_did_key));
    lexicon::Catalog catalog = TRY(load_catalog());
    BlobPlace blob_place = TRY(open_blob_place(config.storage));
    auto mail = TRY(pds::mail::MailQueue::start(*db, mail_options(config, mode)));
    std::unique_ptr<House> house(new House(config, mode, std::move(events), std::move(db),
                                           std::move(loaded.secrets), std::move(rotation_key),
                                           std::move(catalog), std::move(mail),
                                           std::move(recovery_key), std::move(blob_place)));
    TRY(house->listen());
    return house;
}

Result<void> House::listen() {
    net::ServerOptions options{.addresses = config_.listen.addresses,
                               .port = config_.service.port,
                               .threads = config_.listen.threads,
                               .tls = std::nullopt};
    if (!config_.listen.tls_certificate_file.empty())
        options.tls =
            net::TlsFiles{config_.listen.tls_certificate_file, config_.listen.tls_key_file};
    server_ = TRY(net::HttpServer::listen(std::move(options), site_));
    add_samples(
        *metrics_,
        {.server = *server_, .db = *db_, .hashes = hashes_, .mail = *mail_, .firehose = firehose_});
    add_blob_samples(*metrics_, *blobs_);
    if (config_.listen.metrics) TRY(listen_for_metrics(*config_.listen.metrics));
    if (config_.identity.embedded_plc_port) {
        plc_directory_.emplace(*db_);
        plc_site_.emplace(*plc_directory_);
        plc_server_ = TRY(net::HttpServer::listen({.addresses = {"127.0.0.1"},
                                                   .port = *config_.identity.embedded_plc_port,
                                                   .threads = 1,
                                                   .tls = std::nullopt,
                                                   .is_internal = true},
                                                  *plc_site_));
    }
    return {};
}

Result<void> House::listen_for_metrics(const AddressAndPort& place) {
    metrics_page_.emplace(*metrics_);
    auto listening = net::HttpServer::listen({.addresses = {place.address},
                                              .port = place.port,
                                              .threads = 1,
                                              .tls = std::nullopt,
                                              .is_internal = true},
                                             *metrics_page_);
    if (listening.has_value()) {
        metrics_server_ = *std::move(listening);
        return {};
    }
    const Error error = without_metrics(listening.error());
    // Whoever tries roost out has not chosen that port.
    if (mode_ != Mode::dev) return error;
    log::warn("there is no /metrics", {{"reason", error.message}});
    return {};
}

void House::start_jobs() {
    jobs_.emplace(*server_->executors().front());
    add_account_jobs(*jobs_, sign_up_, lifecycle_, sessions_);
    add_identity_jobs(*jobs_, identity_);
    add_stream_jobs(*jobs_, firehose_);
    add_blob_jobs(*jobs_, *blobs_);
    add_repo_jobs(*jobs_, removal_, restore_watch_);
}

void House::run() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    begin_watch(restore_watch_);
    if (plc_server_) plc_server_->start();
    if (metrics_server_) metrics_server_->start();
    server_->start();
    crawlers_.start(*server_->executors().front());
    start_jobs();
    log::info("serving", {{"url", config_.service.public_url},
                          {"port", server_->port()},
                          {"version", version_of(config_)}});
    if (mode_ == Mode::dev) print_dev_banner(config_, secrets_);
    int received = 0;
    sigwait(&signals, &received);
    log::info("stopping", {{"signal", received}});
    stop();
}

void House::stop() {
    std::thread mail_end([this] { mail_->stop(); });
    crawlers_.stop();
    blobs_->stop();
    removal_.stop();
    jobs_->stop(job_drain_ms);
    server_->stop(drain_ms);
    if (plc_server_) plc_server_->stop(100);
    if (metrics_server_) metrics_server_->stop(100);
    mail_end.join();
    // The client's connections belong to the servers' event loops, and so do the tasks that hashes
    // and writes would resume: all of these end before the loops do.
    http_.reset();
    blob_place_.pool->stop();
    hashes_.stop();
    mail_.reset();
    end_watch(restore_watch_);
    db_.reset();
    log::info("stopped");
}

int run_house(const Config& config, Mode mode) {
    // Before any thread is made, so that all of them leave the signals to sigwait().
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);
    log::start(config.log);
    Result<std::unique_ptr<House>> house = House::build(config, mode);
    if (!house.has_value()) {
        log::error("cannot start", {{"reason", house.error().message}});
        std::fprintf(stderr, "roost: %s\n", house.error().message.c_str());
        return 1;
    }
    (*house)->run();
    house->reset();
    log::flush();
    return 0;
}

}  // namespace roost::app
