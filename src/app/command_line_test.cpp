#include "app/command_line.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "app/settings.h"
#include "atproto/data/json.h"
#include "base/encoding.h"
#include "base/random.h"

namespace roost::app {
namespace {

struct Outcome {
    int status = 0;
    std::string out;
    std::string err;
    int runs = 0;
    Mode mode = Mode::serve;
    Config config;
};

Outcome run(std::vector<std::string> arguments, Environment environment = {},
            int status_of_run = 0) {
    environment.emplace("LOG_ENABLED", "false");
    Outcome outcome;
    std::ostringstream out;
    std::ostringstream err;
    const Run house = [&](const Config& config, Mode mode) {
        ++outcome.runs;
        outcome.config = config;
        outcome.mode = mode;
        return status_of_run;
    };
    outcome.status =
        run_command_line({std::move(arguments), std::move(environment)}, house, out, err);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
}

TEST(CommandLine, ServeRunsWithEnvironmentAndFlags) {
    const Outcome outcome =
        run({"serve", "--port", "3000", "--data-directory=/srv/roost", "--threads", "2"},
            {{"PDS_HOSTNAME", "pds.example.com"}, {"PDS_PORT", "1"}});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    ASSERT_EQ(outcome.runs, 1);
    EXPECT_EQ(outcome.mode, Mode::serve);
    EXPECT_EQ(outcome.config.service.port, 3000);
    EXPECT_EQ(outcome.config.service.hostname, "pds.example.com");
    EXPECT_EQ(outcome.config.storage.data_directory, "/srv/roost");
    EXPECT_EQ(outcome.config.listen.threads, 2);
    EXPECT_EQ(outcome.out + outcome.err, "");
}

TEST(CommandLine, DevRunsWithItsDefaultsAndPrintsNothing) {
    const Outcome outcome = run({"dev"});
    EXPECT_EQ(outcome.runs, 1);
    EXPECT_EQ(outcome.mode, Mode::dev);
    EXPECT_EQ(outcome.config.storage.data_directory, "./dev-data");
    EXPECT_EQ(outcome.out + outcome.err, "");
}

TEST(CommandLine, TheStatusOfTheHouseIsTheStatusOfTheProcess) {
    EXPECT_EQ(run({"serve"}, {}, 1).status, 1);
}

TEST(CommandLine, BooleansNeedNoValue) {
    EXPECT_FALSE(run({"serve", "--invite-required", "false"}).config.invites.required);
    EXPECT_TRUE(run({"dev", "--invite-required"}).config.invites.required);
    EXPECT_TRUE(run({"dev", "--invite-required", "--port", "99"}).config.invites.required);
    EXPECT_EQ(run({"serve", "--invite-required", "maybe"}).status, 2);
}

TEST(CommandLine, EverySettingButSecretsHasAFlag) {
    for (const Setting& setting : all_settings()) {
        const std::string flag = "--" + flag_of(setting);
        const Outcome outcome = run({"config", flag, "x"});
        if (setting.secrecy == Secrecy::secret) {
            EXPECT_EQ(outcome.status, 2) << flag;
            EXPECT_TRUE(outcome.err.contains("set " + std::string(setting.name))) << outcome.err;
        } else {
            EXPECT_FALSE(outcome.err.contains("not expected")) << outcome.err;
        }
    }
}

TEST(CommandLine, WrongUsageIsStatus2AndStartsNothing) {
    const std::vector<std::vector<std::string>> cases = {
        {},
        {"fly"},
        {"serve", "--prot", "1"},
        {"serve", "now"},
        {"serve", "--port"},
        {"serve", "--port", "x"},
        {"--port", "1"},
        {"help", "flying"},
        {"serve", "dev"},
        {"version", "--json"},
        {"key"},
        {"key", "make"},
        {"rotate"},
        {"key", "rotate", "--prot", "1"},
        {"key", "rotate", "--port", "x"},
    };
    for (const auto& arguments : cases) {
        const Outcome outcome = run(arguments);
        const std::string shown = arguments.empty() ? "(nothing)" : arguments.back();
        EXPECT_EQ(outcome.status, 2) << shown;
        EXPECT_EQ(outcome.runs, 0) << shown;
        EXPECT_TRUE(outcome.err.starts_with("roost: ")) << shown << ": " << outcome.err;
        EXPECT_EQ(outcome.out, "") << shown;
    }
}

TEST(CommandLine, AnUnknownCommandIsNamedWithTheClosest) {
    const auto error_of = [](const std::string& word) { return run({word}).err; };
    EXPECT_EQ(error_of("serv"), "roost: there is no command \"serv\"; did you mean roost serve?\n");
    EXPECT_EQ(error_of("vresion"),
              "roost: there is no command \"vresion\"; did you mean roost version?\n");
    EXPECT_EQ(error_of("devv"), "roost: there is no command \"devv\"; did you mean roost dev?\n");
    EXPECT_EQ(error_of("frobnicate"),
              "roost: there is no command \"frobnicate\"; see roost help\n");
    EXPECT_EQ(run({"serv", "--port", "1"}).err, error_of("serv"));
}

TEST(CommandLine, ConfigurationErrorsAreAllToldAndStatus2) {
    const Outcome outcome = run({"serve"}, {{"PDS_PORT", "x"}, {"PDS_INVITE_REQUIRED", "x"}});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.runs, 0);
    EXPECT_TRUE(outcome.err.contains("roost: PDS_PORT: \"x\" is wrong: expected a port"));
    EXPECT_TRUE(outcome.err.contains("roost: PDS_INVITE_REQUIRED: \"x\" is wrong: expected true"));
}

TEST(CommandLine, HelpExplains) {
    for (const auto& arguments : std::vector<std::vector<std::string>>{{"help"}, {"--help"}}) {
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.status, 0);
        for (const auto* word :
             {"serve", "dev", "config", "key", "version", "Examples:", "Exit status"})
            EXPECT_TRUE(outcome.out.contains(word)) << word;
        EXPECT_EQ(outcome.err, "");
    }
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"help", "serve"}, {"serve", "--help"}}) {
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_TRUE(outcome.out.contains("--hostname"));
        EXPECT_FALSE(outcome.out.contains("--primary-color")) << "rare settings crowd the rest out";
        EXPECT_EQ(outcome.runs, 0);
    }
}

TEST(CommandLine, HelpAboutACommandIsTheSameHoweverOneAsks) {
    using Words = std::vector<std::string>;
    for (const Words& words :
         std::vector<Words>{{"account"}, {"account", "takedown"}, {"repo"}, {"key", "rotate"}}) {
        Words asked = {"help"};
        asked.insert(asked.end(), words.begin(), words.end());
        Words flagged = words;
        flagged.emplace_back("--help");
        const std::string out = run(asked).out;
        std::string usage = "Usage: roost";
        for (const std::string& word : words)
            usage += " " + word;
        EXPECT_TRUE(out.contains(usage + " [OPTIONS]")) << out;
        EXPECT_FALSE(out.contains("Examples:")) << "those of the overview";
        const std::string above_settings = out.substr(0, out.find("Settings"));
        EXPECT_TRUE(run(flagged).out.starts_with(above_settings));
    }
}

TEST(CommandLine, HelpSettingsListsEveryone) {
    const Outcome outcome = run({"help", "settings"});
    EXPECT_EQ(outcome.status, 0);
    for (const Setting& setting : all_settings())
        EXPECT_TRUE(outcome.out.contains(setting.name)) << setting.name;
    EXPECT_FALSE(outcome.out.contains("--admin-password"));
}

TEST(CommandLine, VersionTellsTheVersion) {
    EXPECT_TRUE(run({"version"}).out.starts_with("roost "));
    EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
}

TEST(CommandLine, ConfigShowsValuesAndSourcesAndMakesNothing) {
    const std::string folder = testing::TempDir() + "roost_" + hex_encode(random_bytes(8));
    const Outcome outcome =
        run({"config", "--port", "3000"}, {{"PDS_DATA_DIRECTORY", folder},
                                           {"PDS_ADMIN_PASSWORD", "hunter22"},
                                           {"PDS_LOGO_URL", "https://x.example"},
                                           {"PDS_PROT", "1"}});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const auto line_of = [&](const std::string& name) {
        const std::size_t start = ("\n" + outcome.out).find("\n" + name + " ");
        if (start == std::string::npos) return std::string("(none)");
        std::string squeezed;
        for (const char c : outcome.out.substr(start, outcome.out.find('\n', start) - start))
            if (c != ' ' || !squeezed.ends_with(' ')) squeezed += c;
        return squeezed;
    };
    EXPECT_EQ(line_of("PDS_PORT"), "PDS_PORT 3000 flag");
    EXPECT_EQ(line_of("PDS_HOSTNAME"), "PDS_HOSTNAME localhost default");
    EXPECT_EQ(line_of("PDS_SERVICE_DID"), "PDS_SERVICE_DID did:web:localhost default");
    EXPECT_EQ(line_of("PDS_ADMIN_PASSWORD"), "PDS_ADMIN_PASSWORD (set) environment");
    EXPECT_EQ(line_of("PDS_JWT_SECRET"), "PDS_JWT_SECRET (made at the first start) default");
    EXPECT_EQ(line_of("PDS_LOGO_URL"), "PDS_LOGO_URL https://x.example environment not used yet");
    EXPECT_EQ(line_of("PDS_SUPPORT_URL"), "(none)");
    EXPECT_FALSE((outcome.out + outcome.err).contains("hunter22"));
    EXPECT_TRUE(outcome.err.contains("is PDS_PORT meant?"));
    EXPECT_EQ(outcome.runs, 0);
    EXPECT_FALSE(std::filesystem::exists(folder));
    EXPECT_TRUE(run({"config", "--all"}).out.contains("PDS_SUPPORT_URL"));
}

TEST(CommandLine, ConfigSpeaksJson) {
    const Outcome outcome =
        run({"config", "--json"}, {{"PDS_SERVICE_NAME", "The \"Nest\""}, {"PDS_PROT", "1"}});
    EXPECT_EQ(outcome.status, 0);
    const auto parsed = atproto::json::parse(outcome.out);
    ASSERT_TRUE(parsed.has_value()) << outcome.out;
    const auto* object = parsed->as<atproto::Object>();
    ASSERT_NE(object, nullptr);
    const auto* settings = object->find("settings")->as<atproto::Array>();
    ASSERT_NE(settings, nullptr);
    EXPECT_EQ(settings->size(), all_settings().size());
    bool found = false;
    for (const atproto::Value& setting : *settings) {
        const auto* members = setting.as<atproto::Object>();
        ASSERT_NE(members, nullptr);
        if (*members->find("name") != atproto::Value("PDS_SERVICE_NAME")) continue;
        found = true;
        EXPECT_EQ(*members->find("value"), atproto::Value("The \"Nest\""));
        EXPECT_EQ(*members->find("source"), atproto::Value("environment"));
    }
    EXPECT_TRUE(found);
    EXPECT_EQ(object->find("warnings")->as<atproto::Array>()->size(), 1U);
    EXPECT_EQ(outcome.err, "") << "warnings are in the JSON";
}

TEST(CommandLine, AFailureOfTheWorldIsStatus1) {
    std::ostringstream out;
    std::ostringstream err;
    const app::Run house = [](const Config&, Mode) -> int {
        throw std::runtime_error("disk is gone");
    };
    EXPECT_EQ(run_command_line({{"serve"}, {{"LOG_ENABLED", "0"}}}, house, out, err), 1);
    EXPECT_EQ(err.str(), "roost: disk is gone\n");
    const Outcome unwritable = run({"serve"}, {{"LOG_DESTINATION", "/proc/none/log"}});
    EXPECT_EQ(unwritable.status, 1);
    EXPECT_TRUE(unwritable.err.starts_with("roost: "));
}

}  // namespace
}  // namespace roost::app
