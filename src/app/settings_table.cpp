#include <algorithm>
#include <array>

#include "app/settings.h"

namespace roost::app {

namespace {

using enum Kind;
constexpr auto open = Secrecy::open;
constexpr auto secret = Secrecy::secret;
constexpr auto used = Use::now;
constexpr auto later = Use::later;

constexpr auto service = Group::service;
constexpr Setting service_settings[] = {
    {"PDS_HOSTNAME", host_name, "localhost", service, used, open,
     "public host name; localhost means http, any other name https"},
    {"PDS_PORT", port, "2583", service, used, open, "port to listen on"},
    {"PDS_SERVICE_DID", did, "", service, used, open,
     "identity of this server in tokens; did:web:HOSTNAME by default"},
    {"PDS_SERVICE_NAME", text, "", service, used, open, "name in mails and on pages"},
    {"PDS_VERSION", text, "", service, used, open, "version that the health answer tells"},
    {"PDS_CONTACT_EMAIL_ADDRESS", mail_address, "", service, used, open,
     "how users reach you, told by describeServer"},
    {"PDS_PRIVACY_POLICY_URL", url, "", service, used, open, "told by describeServer"},
    {"PDS_TERMS_OF_SERVICE_URL", url, "", service, used, open, "told by describeServer"},
    {"PDS_ACCEPTING_REPO_IMPORTS", boolean, "true", service, used, open,
     "accounts may bring their repository"},
    {"PDS_MAX_REPO_IMPORT_SIZE", byte_count, "", service, used, open,
     "bytes of a repository that may be brought, 4 GiB by default"},
    {"PDS_BLOB_UPLOAD_LIMIT", byte_count, "314572800", service, used, open,
     "bytes of one uploaded blob"},
    {"PDS_DEV_MODE", boolean, "false", service, used, open,
     "allow plain http and local addresses of others; never in production"},
    {"PDS_JWT_SECRET", text, "", service, used, secret, "signs session tokens"},
    {"PDS_ADMIN_PASSWORD", text, "", service, used, secret, "password of the user admin"},
    {"PDS_DPOP_SECRET", hex, "", service, later, secret, "seeds DPoP nonces, 64 hex digits"},
    {"PDS_ENTRYWAY_URL", url, "", service, later, open, "accounts live on this entryway"},
    {"PDS_ENTRYWAY_DID", did, "", service, later, open, "identity of the entryway"},
    {"PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX", hex, "", service, later, open,
     "key of the entryway's session tokens"},
    {"PDS_ENTRYWAY_PLC_ROTATION_KEY", did_key, "", service, later, open,
     "rotation key of the entryway"},
    {"PDS_ENTRYWAY_ADMIN_TOKEN", text, "", service, later, secret,
     "admin password of the entryway"},
    {"ROOST_LISTEN_ADDRESSES", address_list, "", service, used, open,
     "addresses to listen on; all of them, or loopback when the host name is localhost"},
    {"ROOST_TLS_CERTIFICATE_FILE", path, "", service, used, open,
     "PEM chain; with the key below roost speaks TLS itself"},
    {"ROOST_TLS_KEY_FILE", path, "", service, used, open, "PEM private key of the certificate"},
    {"ROOST_TRUSTED_PROXIES", range_list, "127.0.0.0/8,::1", service, used, open,
     "addresses or CIDR blocks whose X-Forwarded-For is believed"},
    {"ROOST_METRICS_ADDRESS", metrics_place, "", service, used, open,
     "address:port of /metrics, or off; 127.0.0.1 and the port above PDS_PORT by default"},
    {"ROOST_ADMIN_FROM_LOOPBACK_ONLY", boolean, "false", service, used, open,
     "admin methods are refused to everyone but this machine"},
    {"ROOST_THREADS", number, "0", service, used, open, "event loops; 0: one per core"},
};

constexpr auto storage = Group::storage;
constexpr Setting storage_settings[] = {
    {"PDS_DATA_DIRECTORY", path, ".", storage, used, open, "where everything is kept"},
    {"ROOST_MASTER_KEY_FILE", path, "", storage, used, open,
     "key that encrypts signing keys; master.key in the data directory by default"},
    {"PDS_BLOBSTORE_DISK_LOCATION", path, "", storage, used, open,
     "folder of blobs; blobs in the data directory by default"},
    {"PDS_BLOBSTORE_DISK_TMP_LOCATION", path, "", storage, used, open,
     "folder of uploads on their way; tmp in the folder of blobs by default"},
    {"PDS_BLOBSTORE_S3_BUCKET", text, "", storage, used, open, "S3 store: bucket"},
    {"PDS_BLOBSTORE_S3_REGION", text, "us-east-1", storage, used, open, "S3 store: region"},
    {"PDS_BLOBSTORE_S3_ENDPOINT", url, "", storage, used, open, "S3 store: where it is"},
    {"PDS_BLOBSTORE_S3_FORCE_PATH_STYLE", boolean, "false", storage, used, open,
     "S3 store: the bucket is in the path, not in the host name"},
    {"PDS_BLOBSTORE_S3_ACCESS_KEY_ID", text, "", storage, used, open, "S3 store: who we are"},
    {"PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY", text, "", storage, used, secret,
     "S3 store: proof of it"},
    {"PDS_BLOBSTORE_S3_UPLOAD_TIMEOUT_MS", milliseconds, "20000", storage, used, open,
     "S3 store: time for an upload"},
    {"PDS_BLOBSTORE_S3_REQUEST_TIMEOUT_MS", milliseconds, "", storage, used, open,
     "S3 store: time for any other request"},
    {"ROOST_ACCOUNT_BLOB_LIMIT", byte_count, "10737418240", storage, used, open,
     "bytes of all blobs of one account"},
    {"ROOST_FREE_SPACE_MIN", byte_count, "536870912", storage, used, open,
     "uploads are refused when less than this would be free on the disk"},
    {"ROOST_VERIFY_COMMITS", boolean, "false", storage, used, open,
     "check the signature of each commit before it is stored"},
    {"PDS_ACCOUNT_DB_LOCATION", path, "", storage, later, open,
     "file of the reference server's layout"},
    {"PDS_SEQUENCER_DB_LOCATION", path, "", storage, later, open,
     "file of the reference server's layout"},
    {"PDS_DID_CACHE_DB_LOCATION", path, "", storage, later, open,
     "file of the reference server's layout"},
    {"PDS_ACTOR_STORE_DIRECTORY", path, "", storage, later, open,
     "folder of the reference server's layout"},
    {"PDS_ACTOR_STORE_CACHE_SIZE", number, "100", storage, later, open,
     "open files of the reference server's layout"},
    {"PDS_SQLITE_DISABLE_WAL_AUTO_CHECKPOINT", boolean, "false", storage, later, open,
     "someone else moves the log of the reference server's files"},
};

constexpr auto identity = Group::identity;
constexpr Setting identity_settings[] = {
    {"PDS_DID_PLC_URL", url, "https://plc.directory", identity, used, open, "the PLC directory"},
    {"PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", k256_key, "", identity, used, secret,
     "key that may change the identities of your accounts"},
    {"PDS_PLC_ROTATION_KEY_KMS_KEY_ID", text, "", identity, later, open,
     "the same key, in a key management service"},
    {"PDS_RECOVERY_DID_KEY", did_key, "", identity, used, open,
     "your recovery key, put before the rotation key"},
    {"PDS_SERVICE_HANDLE_DOMAINS", domain_list, "", identity, used, open,
     "domains under which handles are given; .HOSTNAME, or .test on localhost"},
    {"PDS_HANDLE_BACKUP_NAMESERVERS", name_list, "", identity, used, open,
     "asked when the first DNS look-up of a handle finds nothing"},
    {"PDS_ENABLE_DID_DOC_WITH_SESSION", boolean, "false", identity, used, open,
     "session answers carry the DID document"},
    {"PDS_DID_CACHE_STALE_TTL", milliseconds, "3600000", identity, used, open,
     "age after which a DID document is looked up again in the background"},
    {"PDS_DID_CACHE_MAX_TTL", milliseconds, "86400000", identity, used, open,
     "age after which a DID document is not used"},
    {"PDS_ID_RESOLVER_TIMEOUT", milliseconds, "3000", identity, used, open,
     "time to resolve a DID or a handle"},
    {"ROOST_PLC_FALLBACK_URL", url, "", identity, used, open,
     "a copy of the PLC directory, asked for DID documents while the first one fails"},
    {"ROOST_ALLOW_PUNYCODE_HANDLES", boolean, "true", identity, used, open,
     "handles with xn-- labels, which can look like others, may be taken here"},
};

constexpr Setting account_settings[] = {
    {"PDS_INVITE_REQUIRED", boolean, "true", Group::invites, used, open,
     "an account needs an invite code"},
    {"PDS_INVITE_INTERVAL", milliseconds, "", Group::invites, used, open,
     "a user earns a code each interval"},
    {"PDS_INVITE_EPOCH", number, "0", Group::invites, used, open,
     "unix time in ms from which intervals count"},
    {"PDS_HCAPTCHA_SITE_KEY", text, "", Group::invites, later, open, "captcha at sign-up"},
    {"PDS_HCAPTCHA_SECRET_KEY", text, "", Group::invites, later, secret, "captcha at sign-up"},
    {"PDS_HCAPTCHA_TOKEN_SALT", text, "", Group::invites, later, secret, "captcha at sign-up"},
    {"PDS_OAUTH_TRUSTED_CLIENTS", url_list, "", Group::invites, later, open,
     "client ids whose name and logo are shown"},
    {"PDS_EMAIL_SMTP_URL", smtp_url, "", Group::mail, used, secret,
     "mail server, smtps://user:password@host"},
    {"PDS_EMAIL_FROM_ADDRESS", mail_address, "", Group::mail, used, open, "sender of mails"},
    {"PDS_EMAIL_DISABLE_CONFIRMATION_LINK", boolean, "false", Group::mail, used, open,
     "mails hold the code only"},
    {"PDS_MODERATION_EMAIL_SMTP_URL", smtp_url, "", Group::mail, used, secret,
     "mail server for what an admin writes"},
    {"PDS_MODERATION_EMAIL_ADDRESS", mail_address, "", Group::mail, used, open,
     "sender of what an admin writes"},
    {"ROOST_MAIL_TEMPLATE_DIRECTORY", path, "", Group::mail, used, open,
     "texts of mails that replace the built-in ones"},
};

constexpr Setting stream_settings[] = {
    {"PDS_MAX_SUBSCRIPTION_BUFFER", number, "500", Group::stream, used, open,
     "events that a slow subscriber may lag"},
    {"PDS_REPO_BACKFILL_LIMIT_MS", milliseconds, "86400000", Group::stream, used, open,
     "how far back the stream replays"},
    {"PDS_CRAWLERS", url_list, "", Group::stream, used, open, "relays to tell of changes"},
};

constexpr auto proxy = Group::proxy;
constexpr Setting proxy_settings[] = {
    {"PDS_BSKY_APP_VIEW_URL", url, "", proxy, used, open, "where other methods are sent"},
    {"PDS_BSKY_APP_VIEW_DID", did, "", proxy, used, open, "identity of that AppView"},
    {"PDS_BSKY_APP_VIEW_CDN_URL_PATTERN", text, "", proxy, used, open, "URLs of its images"},
    {"PDS_MOD_SERVICE_URL", url, "", proxy, used, open, "moderation service"},
    {"PDS_MOD_SERVICE_DID", did, "", proxy, used, open, "identity of the moderation service"},
    {"PDS_REPORT_SERVICE_URL", url, "", proxy, used, open,
     "where reports are sent; the moderation service by default"},
    {"PDS_REPORT_SERVICE_DID", did, "", proxy, used, open, "identity of that service"},
    {"PDS_PROXY_ALLOW_HTTP2", boolean, "false", proxy, later, open, "HTTP/2 to those services"},
    {"PDS_PROXY_HEADERS_TIMEOUT", milliseconds, "10000", proxy, used, open,
     "time until they answer"},
    {"PDS_PROXY_BODY_TIMEOUT", milliseconds, "30000", proxy, used, open,
     "time until more of their answer comes"},
    {"PDS_PROXY_MAX_RESPONSE_SIZE", byte_count, "10485760", proxy, used, open,
     "bytes of their answer"},
    {"PDS_PROXY_MAX_RETRIES", number, "0", proxy, used, open, "further attempts to read"},
    {"PDS_PROXY_PREFER_COMPRESSED", boolean, "false", proxy, used, open,
     "prefer compressed answers"},
    {"PDS_DISABLE_SSRF_PROTECTION", boolean, "", proxy, used, open,
     "fetch from private addresses too; as PDS_DEV_MODE by default"},
    {"PDS_FETCH_MAX_RESPONSE_SIZE", byte_count, "524288", proxy, later, open,
     "bytes of what is fetched from others"},
    {"PDS_LEXICON_AUTHORITY_DID", did, "", proxy, later, open,
     "one authority for all lexicon look-ups"},
};

constexpr auto limits = Group::limits;
constexpr Setting limit_settings[] = {
    {"PDS_RATE_LIMITS_ENABLED", boolean, "false", limits, used, open, "limit requests"},
    {"PDS_RATE_LIMIT_BYPASS_KEY", text, "", limits, used, secret,
     "requests with this x-ratelimit-bypass header are not limited"},
    {"PDS_RATE_LIMIT_BYPASS_IPS", range_list, "", limits, used, open,
     "addresses or CIDR blocks that are not limited"},
    {"PDS_REDIS_SCRATCH_ADDRESS", text, "", limits, later, open, "limits shared by several nodes"},
    {"PDS_REDIS_SCRATCH_PASSWORD", text, "", limits, later, secret,
     "limits shared by several nodes"},
};

constexpr auto pages = Group::pages;
constexpr Setting page_settings[] = {
    {"PDS_HOME_URL", url, "", pages, later, open, "link on pages"},
    {"PDS_LOGO_URL", url, "", pages, later, open, "picture on pages"},
    {"PDS_SUPPORT_URL", url, "", pages, later, open, "link on pages"},
    {"PDS_PRIMARY_COLOR", text, "", pages, later, open, "colour of pages"},
    {"PDS_ERROR_COLOR", text, "", pages, later, open, "colour of pages"},
    {"PDS_WARNING_COLOR", text, "", pages, later, open, "colour of pages"},
    {"PDS_INFO_COLOR", text, "", pages, later, open, "colour of pages"},
    {"PDS_SUCCESS_COLOR", text, "", pages, later, open, "colour of pages"},
    {"PDS_BACKGROUND_LIGHT_URL", url, "", pages, later, open, "picture behind light pages"},
    {"PDS_BACKGROUND_DARK_URL", url, "", pages, later, open, "picture behind dark pages"},
};

constexpr Setting log_settings[] = {
    {"LOG_ENABLED", boolean, "true", Group::log, used, open, "write a log"},
    {"LOG_LEVEL", log_level, "info", Group::log, used, open, "the least that is written"},
    {"LOG_DESTINATION", path, "stdout", Group::log, used, open, "stdout, or a file"},
    {"LOG_SYSTEMS", text, "", Group::log, later, open, "only these parts; all by default"},
};

template <std::size_t... Sizes>
constexpr auto joined(const Setting (&... parts)[Sizes]) {
    std::array<Setting, (Sizes + ...)> all{};
    std::size_t at = 0;
    const auto add = [&](const auto& part) {
        for (const Setting& setting : part)
            all[at++] = setting;
    };
    (add(parts), ...);
    return all;
}

constexpr auto table =
    joined(service_settings, storage_settings, identity_settings, account_settings, stream_settings,
           proxy_settings, limit_settings, page_settings, log_settings);

}  // namespace

std::span<const Setting> all_settings() {
    return table;
}

const Setting* find_setting(std::string_view name) {
    const auto found = std::ranges::find(table, name, &Setting::name);
    return found == table.end() ? nullptr : &*found;
}

std::string_view group_title(Group group) {
    switch (group) {
        case Group::service:
            return "The server";
        case Group::storage:
            return "What is kept, and where";
        case Group::identity:
            return "Identities and handles";
        case Group::invites:
            return "Signing up and logging in";
        case Group::mail:
            return "Mail";
        case Group::stream:
            return "The event stream";
        case Group::proxy:
            return "Other services";
        case Group::limits:
            return "Rate limits";
        case Group::pages:
            return "Pages";
        case Group::log:
            return "The log";
    }
    return "";
}

}  // namespace roost::app
