#include "app/config.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/settings.h"

namespace roost::app {
namespace {

LoadedConfig load(const Environment& environment, Mode mode = Mode::serve,
                  const Environment& flags = {}) {
    auto loaded = load_config({mode, environment, flags});
    if (!loaded) {
        for (const ConfigError& error : loaded.error())
            ADD_FAILURE() << error.variable << ": " << error.message;
        return {};
    }
    return std::move(*loaded);
}

std::vector<std::string> errors_of(const Environment& environment, Mode mode = Mode::serve) {
    std::vector<std::string> lines;
    if (const auto loaded = load_config({mode, environment, {}}); !loaded)
        for (const ConfigError& error : loaded.error())
            lines.push_back(error.variable + ": " + error.message);
    return lines;
}

ShownSetting shown(const LoadedConfig& loaded, std::string_view name) {
    const auto found = std::ranges::find(loaded.shown, name, &ShownSetting::variable);
    return found == loaded.shown.end() ? ShownSetting{} : *found;
}

TEST(Config, AnEmptyEnvironmentGivesTheDistributionsDefaults) {
    const Config config = load({}).config;
    EXPECT_EQ(config.service.hostname, "localhost");
    EXPECT_EQ(config.service.port, 2583);
    EXPECT_EQ(config.service.public_url, "http://localhost:2583");
    EXPECT_EQ(config.service.did.text(), "did:web:localhost");
    EXPECT_EQ(config.service.name, "localhost PDS");
    EXPECT_EQ(config.service.blob_bytes_max, 314'572'800);
    EXPECT_TRUE(config.service.accepts_repo_imports);
    EXPECT_EQ(config.service.repo_import_bytes_max, std::nullopt);
    EXPECT_FALSE(config.service.is_dev_mode);
    EXPECT_EQ(config.identity.plc_url, "https://plc.directory");
    EXPECT_EQ(config.identity.handle_domains, std::vector<std::string>{".test"});
    EXPECT_EQ(config.identity.cache_stale_ms, 3'600'000);
    EXPECT_EQ(config.identity.cache_max_ms, 86'400'000);
    EXPECT_EQ(config.identity.resolver_timeout_ms, 3'000);
    EXPECT_EQ(config.identity.punycode_handles, IdentityConfig::Punycode::allowed);
    EXPECT_EQ(config.identity.embedded_plc_port, std::nullopt);
    EXPECT_TRUE(config.invites.required);
    EXPECT_EQ(config.invites.interval_ms, std::nullopt);
    EXPECT_FALSE(config.mail.server.has_value());
    EXPECT_EQ(config.stream.lag_events_max, 500);
    EXPECT_EQ(config.stream.backfill_ms, 86'400'000);
    EXPECT_FALSE(config.rate_limits.enabled);
    EXPECT_EQ(config.fetch.response_bytes_max, 524'288);
    EXPECT_FALSE(config.fetch.allows_private_addresses);
    EXPECT_EQ(config.proxy.response_bytes_max, 10'485'760);
    EXPECT_EQ(config.storage.data_directory, ".");
    EXPECT_EQ(config.storage.blob_directory, "./blobs");
    EXPECT_EQ(config.listen.addresses, (std::vector<std::string>{"127.0.0.1", "::1"}));
    EXPECT_EQ(config.listen.metrics, (AddressAndPort{"127.0.0.1", 2584}));
    EXPECT_EQ(config.log.level, log::Level::info);
    EXPECT_EQ(config.log.file, "");
    EXPECT_TRUE(config.secrets.jwt_secret.empty());
}

// Other parts make a Config for their tests this way.
TEST(Config, ADefaultConstructedOneIsTheSame) {
    const Config loaded = load({}).config;
    const Config made;
    EXPECT_EQ(made.service.public_url, loaded.service.public_url);
    EXPECT_EQ(made.service.did, loaded.service.did);
    EXPECT_EQ(made.service.name, loaded.service.name);
    EXPECT_EQ(made.service.blob_bytes_max, loaded.service.blob_bytes_max);
    EXPECT_EQ(made.listen.addresses, loaded.listen.addresses);
    EXPECT_EQ(made.listen.metrics, loaded.listen.metrics);
    EXPECT_EQ(made.storage.secrets_file, loaded.storage.secrets_file);
    EXPECT_EQ(made.storage.master_key_file, loaded.storage.master_key_file);
    EXPECT_EQ(made.storage.blob_directory, loaded.storage.blob_directory);
    EXPECT_EQ(made.identity.plc_url, loaded.identity.plc_url);
    EXPECT_EQ(made.identity.handle_domains, loaded.identity.handle_domains);
    EXPECT_EQ(made.identity.cache_stale_ms, loaded.identity.cache_stale_ms);
    EXPECT_EQ(made.identity.cache_max_ms, loaded.identity.cache_max_ms);
    EXPECT_EQ(made.invites.required, loaded.invites.required);
    EXPECT_EQ(made.stream.lag_events_max, loaded.stream.lag_events_max);
    EXPECT_EQ(made.stream.backfill_ms, loaded.stream.backfill_ms);
    EXPECT_EQ(made.proxy.headers_timeout_ms, loaded.proxy.headers_timeout_ms);
    EXPECT_EQ(made.proxy.body_timeout_ms, loaded.proxy.body_timeout_ms);
    EXPECT_EQ(made.proxy.response_bytes_max, loaded.proxy.response_bytes_max);
    EXPECT_EQ(made.fetch.response_bytes_max, loaded.fetch.response_bytes_max);
}

TEST(Config, AHostNameDecidesWhatFollowsFromIt) {
    const LoadedConfig loaded = load({{"PDS_HOSTNAME", "PDS.Example.com"}, {"PDS_PORT", "443"}});
    const Config& config = loaded.config;
    EXPECT_EQ(config.service.hostname, "pds.example.com");
    EXPECT_EQ(config.service.public_url, "https://pds.example.com");
    EXPECT_EQ(config.service.did.text(), "did:web:pds.example.com");
    EXPECT_EQ(config.service.name, "pds.example.com PDS");
    EXPECT_EQ(config.identity.handle_domains, std::vector<std::string>{".pds.example.com"});
    EXPECT_EQ(config.listen.addresses, (std::vector<std::string>{"0.0.0.0", "::"}));
    EXPECT_EQ(config.listen.metrics, (AddressAndPort{"127.0.0.1", 444}));
    EXPECT_EQ(shown(loaded, "PDS_SERVICE_DID").value, "did:web:pds.example.com");
    EXPECT_EQ(shown(loaded, "PDS_SERVICE_DID").source, "default");
    EXPECT_EQ(shown(loaded, "PDS_PORT").source, "environment");
}

TEST(Config, FlagsWinOverTheEnvironmentAndEmptyMeansAbsent) {
    const LoadedConfig loaded =
        load({{"PDS_PORT", "1000"}, {"PDS_HOSTNAME", ""}, {"PDS_SERVICE_NAME", "Nest"}},
             Mode::serve, {{"PDS_PORT", "2000"}});
    EXPECT_EQ(loaded.config.service.port, 2000);
    EXPECT_EQ(loaded.config.service.hostname, "localhost");
    EXPECT_EQ(loaded.config.service.name, "Nest");
    EXPECT_EQ(shown(loaded, "PDS_PORT").source, "flag");
    EXPECT_EQ(shown(loaded, "PDS_HOSTNAME").source, "default");
}

TEST(Config, DevHasItsOwnPlcOutboxAndFolder) {
    const LoadedConfig loaded = load({}, Mode::dev);
    const Config& config = loaded.config;
    EXPECT_EQ(config.mode, Mode::dev);
    EXPECT_EQ(config.storage.data_directory, "./dev-data");
    EXPECT_EQ(config.storage.master_key_file, "./dev-data/master.key");
    EXPECT_EQ(config.identity.embedded_plc_port, 2582);
    EXPECT_EQ(config.identity.plc_url, "http://localhost:2582");
    EXPECT_FALSE(config.invites.required);
    EXPECT_TRUE(config.service.is_dev_mode);
    EXPECT_TRUE(config.fetch.allows_private_addresses);
    EXPECT_EQ(shown(loaded, "PDS_DID_PLC_URL").source, "roost dev");
    EXPECT_EQ(shown(loaded, "PDS_INVITE_REQUIRED").source, "roost dev");
}

TEST(Config, DevCanBeToldOtherwise) {
    const Config config = load({{"PDS_DID_PLC_URL", "http://localhost:9000/"},
                                {"PDS_DATA_DIRECTORY", "/srv/x"},
                                {"PDS_EMAIL_SMTP_URL", "smtp://localhost:25"},
                                {"PDS_EMAIL_FROM_ADDRESS", "pds@example.com"}},
                               Mode::dev, {{"PDS_INVITE_REQUIRED", "true"}})
                              .config;
    EXPECT_EQ(config.identity.embedded_plc_port, std::nullopt);
    EXPECT_EQ(config.identity.plc_url, "http://localhost:9000");
    EXPECT_EQ(config.storage.data_directory, "/srv/x");
    EXPECT_TRUE(config.invites.required);
}

TEST(Config, DevServesLocalhostOnly) {
    const auto errors = errors_of({{"PDS_HOSTNAME", "pds.example.com"}}, Mode::dev);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_TRUE(errors[0].starts_with("PDS_HOSTNAME: \"pds.example.com\" is wrong: roost dev"));
}

TEST(Config, ErrorsNameTheVariableTheValueAndWhatIsExpected) {
    EXPECT_EQ(
        errors_of({{"PDS_PORT", "http"}}),
        std::vector<std::string>{"PDS_PORT: \"http\" is wrong: expected a port from 1 to 65535"});
    EXPECT_EQ(
        errors_of({{"PDS_INVITE_REQUIRED", "yes"}}),
        std::vector<std::string>{"PDS_INVITE_REQUIRED: \"yes\" is wrong: expected true or false"});
}

TEST(Config, AllErrorsAreToldAtOnceAndOnlyOnceEach) {
    const auto errors = errors_of({{"PDS_PORT", "0"},
                                   {"PDS_HOSTNAME", "https://pds.example.com"},
                                   {"PDS_EMAIL_SMTP_URL", "not-a-url"},
                                   {"PDS_EMAIL_FROM_ADDRESS", "a@example.com"},
                                   {"PDS_BSKY_APP_VIEW_URL", "https://x.example"},
                                   {"PDS_BSKY_APP_VIEW_DID", "wrong"}});
    ASSERT_EQ(errors.size(), 4U);
    for (const auto* name :
         {"PDS_PORT", "PDS_HOSTNAME", "PDS_EMAIL_SMTP_URL", "PDS_BSKY_APP_VIEW_DID"})
        EXPECT_EQ(std::ranges::count_if(errors,
                                        [&](const std::string& line) {
                                            return line.starts_with(std::string(name) + ": ");
                                        }),
                  1)
            << name;
}

TEST(Config, SecretsAreNeverShown) {
    const std::string wrong = "hunter2-hunter2";
    for (const Setting& setting : all_settings()) {
        if (setting.secrecy != Secrecy::secret) continue;
        const auto loaded = load_config({Mode::serve, {{std::string(setting.name), wrong}}, {}});
        if (loaded) {
            for (const ShownSetting& line : loaded->shown)
                EXPECT_FALSE(line.value.contains(wrong)) << line.variable;
            EXPECT_EQ(shown(*loaded, setting.name).value, "(set)") << setting.name;
            for (const std::string& warning : loaded->warnings)
                EXPECT_FALSE(warning.contains(wrong)) << warning;
        } else {
            for (const ConfigError& error : loaded.error())
                EXPECT_FALSE(error.message.contains(wrong)) << error.message;
        }
    }
}

TEST(Config, PairsComeTogether) {
    const std::vector<std::pair<Environment, std::string>> cases = {
        {{{"PDS_EMAIL_SMTP_URL", "smtps://u:p@mail.example.com"}}, "PDS_EMAIL_FROM_ADDRESS"},
        {{{"PDS_EMAIL_FROM_ADDRESS", "a@example.com"}}, "PDS_EMAIL_SMTP_URL"},
        {{{"PDS_MODERATION_EMAIL_ADDRESS", "a@example.com"}}, "PDS_MODERATION_EMAIL_SMTP_URL"},
        {{{"ROOST_TLS_CERTIFICATE_FILE", "/x"}}, "ROOST_TLS_KEY_FILE"},
        {{{"PDS_BLOBSTORE_S3_BUCKET", "b"}, {"PDS_BLOBSTORE_S3_ACCESS_KEY_ID", "k"}},
         "PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY"},
        {{{"PDS_BLOBSTORE_S3_BUCKET", "b"}, {"PDS_BLOBSTORE_DISK_LOCATION", "/b"}},
         "PDS_BLOBSTORE_DISK_LOCATION"},
        {{{"PDS_BSKY_APP_VIEW_URL", "https://a.example"}}, "PDS_BSKY_APP_VIEW_DID"},
        {{{"PDS_MOD_SERVICE_URL", "https://a.example"}}, "PDS_MOD_SERVICE_DID"},
        {{{"PDS_REPORT_SERVICE_URL", "https://a.example"}}, "PDS_REPORT_SERVICE_DID"},
        {{{"PDS_PLC_ROTATION_KEY_KMS_KEY_ID", "k"},
          {"PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", std::string(64, '1')}},
         "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX"},
    };
    for (const auto& [environment, named] : cases) {
        const auto errors = errors_of(environment);
        ASSERT_EQ(errors.size(), 1U) << named;
        EXPECT_TRUE(errors[0].starts_with(named + ": ")) << errors[0];
    }
    EXPECT_EQ(errors_of({{"PDS_ENTRYWAY_URL", "https://bsky.social"}}).size(), 3U);
}

TEST(Config, ReportsGoToTheModerationServiceByDefault) {
    const Config config = load({{"PDS_MOD_SERVICE_URL", "https://mod.example/"},
                                {"PDS_MOD_SERVICE_DID", "did:web:mod.example"}})
                              .config;
    ASSERT_TRUE(config.proxy.report.has_value());
    EXPECT_EQ(config.proxy.report->url, "https://mod.example");
    EXPECT_EQ(config.proxy.report->did, "did:web:mod.example");
}

TEST(Config, SsrfProtectionFollowsDevModeUnlessSet) {
    const auto allows = [](const Environment& environment) {
        return load(environment).config.fetch.allows_private_addresses;
    };
    EXPECT_TRUE(allows({{"PDS_DEV_MODE", "1"}}));
    EXPECT_FALSE(allows({{"PDS_DEV_MODE", "1"}, {"PDS_DISABLE_SSRF_PROTECTION", "0"}}));
    EXPECT_TRUE(allows({{"PDS_DISABLE_SSRF_PROTECTION", "true"}}));
}

TEST(Config, ListsAreTrimmedAndLowered) {
    const Config config = load({{"PDS_SERVICE_HANDLE_DOMAINS", " .Example.com, .other.example ,"},
                                {"PDS_CRAWLERS", "https://bsky.network, https://relay.example"},
                                {"ROOST_LISTEN_ADDRESSES", "[::], 192.0.2.1"},
                                {"ROOST_PLC_FALLBACK_URL", "https://plc.example/"},
                                {"PDS_HANDLE_BACKUP_NAMESERVERS", "1.1.1.1,dns.example"}})
                              .config;
    EXPECT_EQ(config.identity.handle_domains,
              (std::vector<std::string>{".example.com", ".other.example"}));
    EXPECT_EQ(config.stream.crawlers,
              (std::vector<std::string>{"https://bsky.network", "https://relay.example"}));
    EXPECT_EQ(config.listen.addresses, (std::vector<std::string>{"::", "192.0.2.1"}));
    EXPECT_EQ(config.identity.backup_nameservers,
              (std::vector<std::string>{"1.1.1.1", "dns.example"}));
    EXPECT_EQ(config.identity.plc_fallback_url, "https://plc.example");
    EXPECT_EQ(errors_of({{"PDS_SERVICE_HANDLE_DOMAINS", "example.com"}}).size(), 1U);
}

TEST(Config, MetricsCanMoveOrBeOff) {
    EXPECT_EQ(load({{"ROOST_METRICS_ADDRESS", "off"}}).config.listen.metrics, std::nullopt);
    EXPECT_EQ(load({{"ROOST_METRICS_ADDRESS", "[::1]:9100"}}).config.listen.metrics,
              (AddressAndPort{"::1", 9100}));
    EXPECT_EQ(errors_of({{"ROOST_METRICS_ADDRESS", "127.0.0.1:2583"}}).size(), 1U);
    EXPECT_EQ(errors_of({{"ROOST_METRICS_ADDRESS", "9100"}}).size(), 1U);
    EXPECT_EQ(load({{"PDS_PORT", "65535"}}).config.listen.metrics, std::nullopt);
}

TEST(Config, LogLevelsAreTheReferences) {
    const auto level = [](const Environment& environment) {
        return load(environment).config.log.level;
    };
    EXPECT_EQ(level({{"LOG_LEVEL", "debug"}}), log::Level::debug);
    EXPECT_EQ(level({{"LOG_LEVEL", "fatal"}}), log::Level::error);
    EXPECT_EQ(level({{"LOG_LEVEL", "silent"}}), log::Level::off);
    EXPECT_EQ(level({{"LOG_ENABLED", "false"}}), log::Level::off);
    EXPECT_EQ(load({{"LOG_DESTINATION", "1"}}).config.log.file, "");
    EXPECT_EQ(load({{"LOG_DESTINATION", "/var/log/x"}}).config.log.file, "/var/log/x");
}

TEST(Config, UnknownVariablesAreToldWithTheNearestName) {
    const LoadedConfig loaded = load({{"PDS_HOSTNAEM", "x"},
                                      {"ROOST_THREAD", "1"},
                                      {"PDS_ZZZZZZZZZZZZ_QQQQQQ", "x"},
                                      {"PATH", "/bin"},
                                      {"LOG_COLOR", "x"}});
    EXPECT_EQ(
        loaded.warnings,
        (std::vector<std::string>{
            "PDS_HOSTNAEM is not a setting of roost and has no effect; is PDS_HOSTNAME meant?",
            "PDS_ZZZZZZZZZZZZ_QQQQQQ is not a setting of roost and has no effect",
            "ROOST_THREAD is not a setting of roost and has no effect; is ROOST_THREADS "
            "meant?"}));
}

TEST(Config, SettingsWithoutEffectAreAcceptedAndTold) {
    const LoadedConfig loaded = load({{"PDS_ACTOR_STORE_CACHE_SIZE", "5"}});
    EXPECT_EQ(loaded.warnings,
              std::vector<std::string>{"PDS_ACTOR_STORE_CACHE_SIZE is set but not used yet"});
    EXPECT_EQ(shown(loaded, "PDS_ACTOR_STORE_CACHE_SIZE").note, "not used yet");
}

}  // namespace
}  // namespace roost::app
