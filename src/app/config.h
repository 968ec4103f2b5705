// Everything an operator can decide, as one typed value that exists only as valid.
//
// It is made once at the start, from environment variables and command line flags, by
// load_config(), and never changes after. The variables, their meanings and defaults are those of
// the reference server (settings.h has the table); a Config that is default-constructed is what an
// empty environment gives. Secrets are not in it when the environment does not hold them: they come
// from the data directory, see secrets_file.h.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/syntax/syntax.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/http.h"

namespace roost::app {

enum class Mode { serve, dev };

// The block of addresses that "10.0.0.0/8", "::1" or "192.0.2.7" names.
struct IpRange {
    net::IpAddress base;    // IPv4 mapped into IPv6
    int prefix_bits = 128;  // of the 128; an IPv4 "/8" is 104

    static std::optional<IpRange> parse(std::string_view text);
    bool contains(const net::IpAddress& address) const;
    friend bool operator==(const IpRange&, const IpRange&) = default;
};

struct AddressAndPort {
    std::string address;  // numeric
    std::uint16_t port = 0;
    friend bool operator==(const AddressAndPort&, const AddressAndPort&) = default;
};

// A server that we send requests to, and whom our tokens then name.
struct RemoteService {
    std::string url;
    std::string did;
};

struct ServiceConfig {
    std::string hostname = "localhost";
    std::uint16_t port = 2583;
    std::string public_url = "http://localhost:2583";  // no slash at the end
    atproto::Did did = *atproto::Did::parse("did:web:localhost");
    std::string name = "localhost PDS";
    std::string version;  // empty: roost's own
    std::string home_url, logo_url, privacy_policy_url, support_url, terms_of_service_url;
    std::string contact_email;
    bool accepts_repo_imports = true;
    std::optional<std::int64_t> repo_import_bytes_max;
    std::int64_t blob_bytes_max = 300 * 1024 * 1024;
    bool is_dev_mode = false;  // plain http and local addresses of others are allowed
};

struct ListenConfig {
    std::vector<std::string> addresses = {"127.0.0.1", "::1"};  // numeric
    std::string tls_certificate_file, tls_key_file;             // both or neither
    std::vector<IpRange> trusted_proxies;                       // whose X-Forwarded-For is believed
    std::optional<AddressAndPort> metrics = AddressAndPort{"127.0.0.1", 2584};
    int threads = 0;  // 0: one per core
    enum class AdminFrom { anywhere, loopback_only };
    AdminFrom admin_from = AdminFrom::anywhere;
};

struct S3Config {
    std::string bucket;
    std::string region;
    std::string endpoint;             // no slash at the end
    enum class Style { host, path };  // where the bucket is named
    Style style = Style::host;
    std::string access_key_id;
    SecretText secret_access_key;
    std::int64_t upload_timeout_ms = 20'000;
    std::int64_t request_timeout_ms = 20'000;
};

struct StorageConfig {
    std::filesystem::path data_directory = ".";
    std::filesystem::path master_key_file = "./master.key";
    std::filesystem::path secrets_file = "./secrets.json";
    std::filesystem::path blob_directory = "./blobs";
    std::filesystem::path blob_spool_directory = "./blobs/tmp";  // uploads on their way
    std::optional<S3Config> s3;                                  // blobs are there instead
    std::int64_t account_blob_bytes_max = 10LL * 1024 * 1024 * 1024;
    std::int64_t free_bytes_min = 512 * 1024 * 1024;  // uploads are refused beyond
    bool verifies_commits = false;

    std::filesystem::path database_file() const { return data_directory / "roost.sqlite"; }
    // See pds/repos/restore_watch.h.
    std::filesystem::path newest_event_file() const { return data_directory / "newest-event"; }
};

struct IdentityConfig {
    std::string plc_url = "https://plc.directory";   // no slash at the end
    std::string plc_fallback_url;                    // the same; empty: there is none
    std::optional<std::uint16_t> embedded_plc_port;  // dev: the directory at plc_url is our own
    std::int64_t cache_stale_ms = 3'600'000;
    std::int64_t cache_max_ms = 86'400'000;
    std::int64_t resolver_timeout_ms = 3'000;
    std::string recovery_did_key;
    std::vector<std::string> handle_domains = {".test"};  // lower case, each with its leading dot
    std::vector<std::string> backup_nameservers;
    bool session_has_did_doc = false;
    enum class Punycode { allowed, refused };
    Punycode punycode_handles = Punycode::allowed;
};

struct InvitesConfig {
    bool required = true;
    std::optional<std::int64_t> interval_ms;  // a user earns a code each interval …
    std::int64_t epoch_ms = 0;                // … since this unix time
};

struct MailServer {
    SecretText smtp_url;  // may hold a password
    std::string from_address;
};

struct MailConfig {
    std::optional<MailServer> server;             // for users
    std::optional<MailServer> moderation_server;  // for what an admin writes
    bool confirmation_link = true;
    std::string template_directory;  // empty: the built-in texts
};

struct StreamConfig {
    std::int64_t lag_events_max = 500;
    std::int64_t backfill_ms = 86'400'000;
    std::vector<std::string> crawlers;  // URLs of the relays to tell
};

struct RateLimitConfig {
    bool enabled = false;
    SecretText bypass_key;
    std::vector<IpRange> bypass_ranges;
};

struct ProxyConfig {
    std::optional<RemoteService> app_view, moderation, report;  // report defaults to moderation
    std::string app_view_cdn_url_pattern;
    std::int64_t headers_timeout_ms = 10'000;
    std::int64_t body_timeout_ms = 30'000;
    std::int64_t response_bytes_max = 10 * 1024 * 1024;
    std::int64_t retries_max = 0;
    bool prefers_compressed = false;
};

struct FetchConfig {
    bool allows_private_addresses = false;  // protection against SSRF is off
    std::int64_t response_bytes_max = 512 * 1024;
};

// Those given in the environment; empty ones are found in or written to the data directory.
struct GivenSecrets {
    SecretText jwt_secret;
    SecretText admin_password;
    SecretText dpop_secret;
    SecretText plc_rotation_key_hex;
};

struct Config {
    Mode mode = Mode::serve;
    ServiceConfig service;
    ListenConfig listen;
    StorageConfig storage;
    IdentityConfig identity;
    InvitesConfig invites;
    MailConfig mail;
    StreamConfig stream;
    RateLimitConfig rate_limits;
    ProxyConfig proxy;
    FetchConfig fetch;
    log::Options log;
    GivenSecrets secrets;
};

using Environment = std::map<std::string, std::string>;

struct ConfigInput {
    Mode mode = Mode::serve;
    Environment environment;  // of the process; an empty value counts as absent
    Environment flags;        // from the command line, by the variable's name; they win
};

struct ConfigError {
    std::string variable;
    std::string message;  // what is wrong, with the value unless it is secret, and what is expected
};

// One line of what is in force.
struct ShownSetting {
    std::string variable;
    std::string value;   // "(set)" for a secret; empty: nothing is set
    std::string source;  // "environment", "flag", "default", "roost dev", "generated file", …
    std::string note;    // "not used yet"
};

struct LoadedConfig {
    Config config;
    std::vector<ShownSetting> shown;
    std::vector<std::string> warnings;  // unknown variables, settings without effect
};

std::expected<LoadedConfig, std::vector<ConfigError>> load_config(const ConfigInput& input);

}  // namespace roost::app
