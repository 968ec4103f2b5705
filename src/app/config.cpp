#include "app/config.h"

#include <algorithm>

#include "app/settings.h"

namespace roost::app {

namespace {

using std::string;

string without_slash(string url) {
    while (url.ends_with('/'))
        url.pop_back();
    return url;
}

string lower(string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

string joined(const std::vector<string>& items) {
    string text;
    for (const string& item : items)
        text += (text.empty() ? "" : ",") + item;
    return text;
}

// Of a list that is valid as a whole.
std::vector<IpRange> ranges_of(const std::vector<string>& items) {
    std::vector<IpRange> ranges;
    for (const string& item : items)
        if (const auto range = IpRange::parse(item)) ranges.push_back(*range);
    return ranges;
}

void both_or_neither(GivenSettings& given, std::string_view a, std::string_view b) {
    if (given.was_given(a) == given.was_given(b)) return;
    const auto [missing, present] = given.was_given(a) ? std::pair(b, a) : std::pair(a, b);
    given.refuse(missing, "is not set, but " + string(present) + " is: set both or neither");
}

void needs(GivenSettings& given, std::string_view name, std::string_view needed) {
    if (given.was_given(name) && !given.was_given(needed))
        given.refuse(needed, "is not set, but " + string(name) + " needs it");
}

void not_together(GivenSettings& given, std::string_view a, std::string_view b) {
    if (given.has(a) && given.has(b))
        given.refuse(b, "is set together with " + string(a) + ": only one of them can be");
}

ServiceConfig service_of(GivenSettings& given, Mode mode) {
    ServiceConfig service;
    service.hostname = lower(given.text("PDS_HOSTNAME"));
    const bool is_local = service.hostname == "localhost";
    if (mode == Mode::dev && !is_local)
        given.refuse("PDS_HOSTNAME", "\"" + service.hostname +
                                         "\" is wrong: roost dev serves localhost only; for any "
                                         "other name use roost serve");
    service.port = static_cast<std::uint16_t>(given.number("PDS_PORT"));
    service.public_url = is_local ? "http://localhost:" + std::to_string(service.port)
                                  : "https://" + service.hostname;

    const string did = given.has("PDS_SERVICE_DID") ? given.text("PDS_SERVICE_DID")
                                                    : "did:web:" + service.hostname;
    given.derive("PDS_SERVICE_DID", did);
    if (auto parsed = atproto::Did::parse(did))
        service.did = std::move(*parsed);
    else
        given.refuse("PDS_SERVICE_DID", "\"" + did + "\" is wrong: " + parsed.error().message);

    const string name = service.hostname + " PDS";
    given.derive("PDS_SERVICE_NAME", name);
    service.name = given.has("PDS_SERVICE_NAME") ? given.text("PDS_SERVICE_NAME") : name;
    service.version = given.text("PDS_VERSION");
    service.home_url = given.text("PDS_HOME_URL");
    service.logo_url = given.text("PDS_LOGO_URL");
    service.privacy_policy_url = given.text("PDS_PRIVACY_POLICY_URL");
    service.support_url = given.text("PDS_SUPPORT_URL");
    service.terms_of_service_url = given.text("PDS_TERMS_OF_SERVICE_URL");
    service.contact_email = given.text("PDS_CONTACT_EMAIL_ADDRESS");
    service.accepts_repo_imports = given.flag("PDS_ACCEPTING_REPO_IMPORTS");
    if (given.has("PDS_MAX_REPO_IMPORT_SIZE"))
        service.repo_import_bytes_max = given.number("PDS_MAX_REPO_IMPORT_SIZE");
    service.blob_bytes_max = given.number("PDS_BLOB_UPLOAD_LIMIT");
    service.is_dev_mode = given.flag("PDS_DEV_MODE");
    return service;
}

std::optional<AddressAndPort> metrics_place(GivenSettings& given, std::uint16_t port) {
    if (given.has("ROOST_METRICS_ADDRESS")) {
        auto place = parse_address_and_port(given.text("ROOST_METRICS_ADDRESS"));
        if (place && place->port == port)
            given.refuse("ROOST_METRICS_ADDRESS", "\"" + given.text("ROOST_METRICS_ADDRESS") +
                                                      "\" is wrong: its port is PDS_PORT");
        return place;  // nothing: "off"
    }
    if (port == 65'535) {
        given.derive("ROOST_METRICS_ADDRESS", "off");
        return std::nullopt;
    }
    AddressAndPort place{"127.0.0.1", static_cast<std::uint16_t>(port + 1)};
    given.derive("ROOST_METRICS_ADDRESS", place.address + ":" + std::to_string(place.port));
    return place;
}

ListenConfig listen_of(GivenSettings& given, const ServiceConfig& service) {
    ListenConfig listen;
    if (given.has("ROOST_LISTEN_ADDRESSES")) {
        listen.addresses = given.list("ROOST_LISTEN_ADDRESSES");
        for (string& address : listen.addresses)
            if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
    } else if (service.hostname != "localhost") {
        listen.addresses = {"0.0.0.0", "::"};
    }
    given.derive("ROOST_LISTEN_ADDRESSES", joined(listen.addresses));
    both_or_neither(given, "ROOST_TLS_CERTIFICATE_FILE", "ROOST_TLS_KEY_FILE");
    listen.tls_certificate_file = given.text("ROOST_TLS_CERTIFICATE_FILE");
    listen.tls_key_file = given.text("ROOST_TLS_KEY_FILE");
    listen.trusted_proxies = ranges_of(given.list("ROOST_TRUSTED_PROXIES"));
    listen.metrics = metrics_place(given, service.port);
    constexpr std::int64_t threads_max = 1'024;  // more event loops than any machine has cores
    if (given.number("ROOST_THREADS") > threads_max)
        given.refuse("ROOST_THREADS", "\"" + given.text("ROOST_THREADS") +
                                          "\" is wrong: expected at most 1024 threads");
    else
        listen.threads = static_cast<int>(given.number("ROOST_THREADS"));
    if (given.flag("ROOST_ADMIN_FROM_LOOPBACK_ONLY"))
        listen.admin_from = ListenConfig::AdminFrom::loopback_only;
    return listen;
}

std::optional<S3Config> s3_of(GivenSettings& given) {
    both_or_neither(given, "PDS_BLOBSTORE_S3_ACCESS_KEY_ID", "PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY");
    if (!given.has("PDS_BLOBSTORE_S3_BUCKET")) return std::nullopt;
    if (given.has("PDS_BLOBSTORE_DISK_LOCATION")) return std::nullopt;  // refused: not together
    if (!given.was_given("PDS_BLOBSTORE_S3_ACCESS_KEY_ID") &&
        !given.was_given("PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY"))
        given.refuse("PDS_BLOBSTORE_S3_ACCESS_KEY_ID",
                     "is needed together with PDS_BLOBSTORE_S3_BUCKET");
    S3Config s3;
    s3.bucket = given.text("PDS_BLOBSTORE_S3_BUCKET");
    s3.region = given.text("PDS_BLOBSTORE_S3_REGION");
    s3.endpoint = given.has("PDS_BLOBSTORE_S3_ENDPOINT")
                      ? without_slash(given.text("PDS_BLOBSTORE_S3_ENDPOINT"))
                      : "https://s3." + s3.region + ".amazonaws.com";
    if (given.flag("PDS_BLOBSTORE_S3_FORCE_PATH_STYLE")) s3.style = S3Config::Style::path;
    s3.access_key_id = given.text("PDS_BLOBSTORE_S3_ACCESS_KEY_ID");
    s3.secret_access_key = SecretText(given.text("PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY"));
    s3.upload_timeout_ms = given.number("PDS_BLOBSTORE_S3_UPLOAD_TIMEOUT_MS");
    if (given.has("PDS_BLOBSTORE_S3_REQUEST_TIMEOUT_MS"))
        s3.request_timeout_ms = given.number("PDS_BLOBSTORE_S3_REQUEST_TIMEOUT_MS");
    return s3;
}

StorageConfig storage_of(GivenSettings& given) {
    StorageConfig storage;
    storage.data_directory = given.text("PDS_DATA_DIRECTORY");
    storage.secrets_file = storage.data_directory / "secrets.json";
    storage.master_key_file = storage.data_directory / "master.key";
    given.derive("ROOST_MASTER_KEY_FILE", storage.master_key_file.string());
    if (given.has("ROOST_MASTER_KEY_FILE"))
        storage.master_key_file = given.text("ROOST_MASTER_KEY_FILE");
    storage.blob_directory = storage.data_directory / "blobs";
    if (given.has("PDS_BLOBSTORE_DISK_LOCATION"))
        storage.blob_directory = given.text("PDS_BLOBSTORE_DISK_LOCATION");
    else if (!given.has("PDS_BLOBSTORE_S3_BUCKET"))
        given.derive("PDS_BLOBSTORE_DISK_LOCATION", storage.blob_directory.string());
    not_together(given, "PDS_BLOBSTORE_S3_BUCKET", "PDS_BLOBSTORE_DISK_LOCATION");
    storage.blob_spool_directory = storage.blob_directory / "tmp";
    if (given.has("PDS_BLOBSTORE_DISK_TMP_LOCATION"))
        storage.blob_spool_directory = given.text("PDS_BLOBSTORE_DISK_TMP_LOCATION");
    else
        given.derive("PDS_BLOBSTORE_DISK_TMP_LOCATION", storage.blob_spool_directory.string());
    storage.s3 = s3_of(given);
    storage.account_blob_bytes_max = given.number("ROOST_ACCOUNT_BLOB_LIMIT");
    storage.free_bytes_min = given.number("ROOST_FREE_SPACE_MIN");
    storage.verifies_commits = given.flag("ROOST_VERIFY_COMMITS");
    return storage;
}

// In dev, the PLC directory is our own, on the port below the server's.
void use_embedded_plc(GivenSettings& given, const ServiceConfig& service,
                      IdentityConfig& identity) {
    if (given.has("PDS_DID_PLC_URL")) return;
    if (service.port == 1) {
        given.refuse("PDS_PORT",
                     "\"1\" is wrong: expected a port above 1, the one below it is for "
                     "the PLC directory of roost dev");
        return;
    }
    identity.embedded_plc_port = static_cast<std::uint16_t>(service.port - 1);
    identity.plc_url = "http://localhost:" + std::to_string(*identity.embedded_plc_port);
    given.derive("PDS_DID_PLC_URL", identity.plc_url, "roost dev");
}

IdentityConfig identity_of(GivenSettings& given, const ServiceConfig& service, Mode mode) {
    IdentityConfig identity;
    identity.plc_url = without_slash(given.text("PDS_DID_PLC_URL"));
    if (mode == Mode::dev) use_embedded_plc(given, service, identity);
    identity.plc_fallback_url = without_slash(given.text("ROOST_PLC_FALLBACK_URL"));
    identity.cache_stale_ms = given.number("PDS_DID_CACHE_STALE_TTL");
    identity.cache_max_ms = given.number("PDS_DID_CACHE_MAX_TTL");
    identity.resolver_timeout_ms = given.number("PDS_ID_RESOLVER_TIMEOUT");
    identity.recovery_did_key = given.text("PDS_RECOVERY_DID_KEY");
    if (given.has("PDS_SERVICE_HANDLE_DOMAINS")) {
        identity.handle_domains = given.list("PDS_SERVICE_HANDLE_DOMAINS");
        for (string& domain : identity.handle_domains)
            domain = lower(domain);
    } else if (service.hostname != "localhost") {
        identity.handle_domains = {"." + service.hostname};
    }
    given.derive("PDS_SERVICE_HANDLE_DOMAINS", joined(identity.handle_domains));
    identity.backup_nameservers = given.list("PDS_HANDLE_BACKUP_NAMESERVERS");
    identity.session_has_did_doc = given.flag("PDS_ENABLE_DID_DOC_WITH_SESSION");
    if (!given.flag("ROOST_ALLOW_PUNYCODE_HANDLES"))
        identity.punycode_handles = IdentityConfig::Punycode::refused;
    not_together(given, "PDS_PLC_ROTATION_KEY_KMS_KEY_ID",
                 "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX");
    for (const std::string_view needed :
         {"PDS_ENTRYWAY_DID", "PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX",
          "PDS_ENTRYWAY_PLC_ROTATION_KEY"})
        needs(given, "PDS_ENTRYWAY_URL", needed);
    return identity;
}

InvitesConfig invites_of(const GivenSettings& given) {
    InvitesConfig invites;
    invites.required = given.flag("PDS_INVITE_REQUIRED");
    if (given.has("PDS_INVITE_INTERVAL")) invites.interval_ms = given.number("PDS_INVITE_INTERVAL");
    invites.epoch_ms = given.number("PDS_INVITE_EPOCH");
    return invites;
}

std::optional<MailServer> mail_server(GivenSettings& given, std::string_view url,
                                      std::string_view from) {
    both_or_neither(given, url, from);
    if (!given.has(url) || !given.has(from)) return std::nullopt;
    return MailServer{SecretText(given.text(url)), given.text(from)};
}

MailConfig mail_of(GivenSettings& given) {
    MailConfig mail;
    mail.server = mail_server(given, "PDS_EMAIL_SMTP_URL", "PDS_EMAIL_FROM_ADDRESS");
    mail.moderation_server =
        mail_server(given, "PDS_MODERATION_EMAIL_SMTP_URL", "PDS_MODERATION_EMAIL_ADDRESS");
    mail.confirmation_link = !given.flag("PDS_EMAIL_DISABLE_CONFIRMATION_LINK");
    mail.template_directory = given.text("ROOST_MAIL_TEMPLATE_DIRECTORY");
    return mail;
}

std::optional<RemoteService> remote(GivenSettings& given, std::string_view url,
                                    std::string_view did) {
    needs(given, url, did);
    if (!given.has(url) || !given.has(did)) return std::nullopt;
    return RemoteService{without_slash(given.text(url)), given.text(did)};
}

ProxyConfig proxy_of(GivenSettings& given) {
    ProxyConfig proxy;
    proxy.app_view = remote(given, "PDS_BSKY_APP_VIEW_URL", "PDS_BSKY_APP_VIEW_DID");
    proxy.moderation = remote(given, "PDS_MOD_SERVICE_URL", "PDS_MOD_SERVICE_DID");
    proxy.report = remote(given, "PDS_REPORT_SERVICE_URL", "PDS_REPORT_SERVICE_DID");
    if (!proxy.report && proxy.moderation) {
        proxy.report = proxy.moderation;
        given.derive("PDS_REPORT_SERVICE_URL", proxy.report->url);
        given.derive("PDS_REPORT_SERVICE_DID", proxy.report->did);
    }
    proxy.app_view_cdn_url_pattern = given.text("PDS_BSKY_APP_VIEW_CDN_URL_PATTERN");
    proxy.headers_timeout_ms = given.number("PDS_PROXY_HEADERS_TIMEOUT");
    proxy.body_timeout_ms = given.number("PDS_PROXY_BODY_TIMEOUT");
    proxy.response_bytes_max = given.number("PDS_PROXY_MAX_RESPONSE_SIZE");
    proxy.retries_max = given.number("PDS_PROXY_MAX_RETRIES");
    proxy.prefers_compressed = given.flag("PDS_PROXY_PREFER_COMPRESSED");
    return proxy;
}

log::Options log_of(const GivenSettings& given) {
    const string level = given.text("LOG_LEVEL");
    log::Options options;
    if (!given.flag("LOG_ENABLED") || level == "silent")
        options.level = log::Level::off;
    else if (level == "trace")
        options.level = log::Level::trace;
    else if (level == "debug")
        options.level = log::Level::debug;
    else if (level == "warn")
        options.level = log::Level::warn;
    else if (level == "error" || level == "fatal")
        options.level = log::Level::error;
    const string destination = given.text("LOG_DESTINATION");
    // The reference also writes 1, the file descriptor, for standard output.
    if (destination != "stdout" && destination != "1") options.file = destination;
    return options;
}

}  // namespace

std::expected<LoadedConfig, std::vector<ConfigError>> load_config(const ConfigInput& input) {
    GivenSettings given(input);
    LoadedConfig loaded;
    Config& config = loaded.config;
    config.mode = input.mode;
    config.service = service_of(given, input.mode);
    config.listen = listen_of(given, config.service);
    config.storage = storage_of(given);
    config.identity = identity_of(given, config.service, input.mode);
    config.invites = invites_of(given);
    config.mail = mail_of(given);
    config.stream.lag_events_max = given.number("PDS_MAX_SUBSCRIPTION_BUFFER");
    config.stream.backfill_ms = given.number("PDS_REPO_BACKFILL_LIMIT_MS");
    config.stream.crawlers = given.list("PDS_CRAWLERS");
    config.rate_limits.enabled = given.flag("PDS_RATE_LIMITS_ENABLED");
    config.rate_limits.bypass_key = SecretText(given.text("PDS_RATE_LIMIT_BYPASS_KEY"));
    config.rate_limits.bypass_ranges = ranges_of(given.list("PDS_RATE_LIMIT_BYPASS_IPS"));
    config.proxy = proxy_of(given);
    config.fetch.allows_private_addresses = given.has("PDS_DISABLE_SSRF_PROTECTION")
                                                ? given.flag("PDS_DISABLE_SSRF_PROTECTION")
                                                : config.service.is_dev_mode;
    given.derive("PDS_DISABLE_SSRF_PROTECTION", config.service.is_dev_mode ? "true" : "false");
    config.fetch.response_bytes_max = given.number("PDS_FETCH_MAX_RESPONSE_SIZE");
    config.log = log_of(given);
    config.secrets.jwt_secret = SecretText(given.text("PDS_JWT_SECRET"));
    config.secrets.admin_password = SecretText(given.text("PDS_ADMIN_PASSWORD"));
    config.secrets.dpop_secret = SecretText(given.text("PDS_DPOP_SECRET"));
    config.secrets.plc_rotation_key_hex =
        SecretText(given.text("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX"));

    if (!given.errors().empty()) return std::unexpected(given.errors());
    loaded.shown = given.shown();
    loaded.warnings = given.warnings();
    return loaded;
}

}  // namespace roost::app
