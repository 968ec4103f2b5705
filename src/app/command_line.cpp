#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <ostream>

#include "app/config_report.h"
#include "app/key_rotation.h"
#include "app/secrets_file.h"
#include "app/setting_flags.h"
#include "app/settings.h"
#include "app/verbs/verb.h"
#include "base/log.h"

namespace roost::app {

namespace {

constexpr int exit_failed = 1;
constexpr int exit_wrong_usage = 2;

constexpr const char* about =
    "roost is a home for AT Protocol accounts: a Personal Data Server in one program.";

constexpr const char* examples = R"(
Examples:
  roost dev
      Try it: http://localhost:2583, with a PLC directory and a mail folder of its own.
  PDS_HOSTNAME=pds.example.com PDS_DATA_DIRECTORY=/var/lib/roost roost serve
      Serve an address. roost makes the secrets that are missing, in its data directory.
  roost config
      What is in force, and where each value comes from.
  roost help settings
      Every setting, with its default and its flag.
  roost key rotate --data-directory /var/lib/roost
      Seal the accounts' signing keys with a new master key; the server is stopped.
  roost account create ann.example.com --email ann@example.org
  roost account list
  roost account takedown ann.example.com --ref case-7
      Look after accounts. What only lists or shows works without a running server.
  roost repo verify
      Check every repository on this disk, beside the running server.

Settings come from environment variables that have the reference server's names and
meanings (PDS_PORT, PDS_HOSTNAME, ...), or from flags derived from them (--port,
--hostname). Commands that look after a server take the same settings as the server.
Exit status: 0 all is well, 1 something failed, 2 wrong usage or setting.)";

int print_errors(const std::vector<ConfigError>& errors, std::ostream& err) {
    for (const ConfigError& error : errors)
        err << "roost: " << error.variable << ": " << error.message << "\n";
    err << "roost: nothing was done; `roost help settings` explains the settings\n";
    return exit_wrong_usage;
}

int start(const ConfigInput& input, const Run& run, std::ostream& err) {
    const auto loaded = load_config(input);
    if (!loaded) return print_errors(loaded.error(), err);
    log::start(loaded->config.log);
    for (const std::string& warning : loaded->warnings)
        log::warn(warning);
    return run(loaded->config, input.mode);
}

struct ReportOptions {
    bool json = false;
    bool all = false;
};

int report(const ConfigInput& input, ReportOptions options, std::ostream& out, std::ostream& err) {
    auto loaded = load_config(input);
    if (!loaded) return print_errors(loaded.error(), err);
    const auto kept = kept_secrets(loaded->config.storage);
    if (!kept) {
        err << "roost: " << kept.error().message << "\n";
        return exit_wrong_usage;
    }
    add_kept_secrets(loaded->shown, *kept);
    if (options.json) {
        out << config_as_json(loaded->shown, loaded->warnings);
        return 0;
    }
    out << config_as_table(loaded->shown, options.all ? Unset::listed : Unset::left_out);
    for (const std::string& warning : loaded->warnings)
        err << "roost: " << warning << "\n";
    return 0;
}

int rotate_key(const ConfigInput& input, std::ostream& out, std::ostream& err) {
    const auto loaded = load_config(input);
    if (!loaded) return print_errors(loaded.error(), err);
    return run_key_rotation(loaded->config.storage, out, err);
}

CLI::App& add_key_rotate(CLI::App& program) {
    CLI::App* key = program.add_subcommand("key", "Look after the server's master key");
    key->require_subcommand(1);
    CLI::App* rotate = key->add_subcommand(
        "rotate", "Seal the accounts' signing keys with a new master key; the server is stopped");
    rotate->footer(
        "\nThe new key takes the place of the old one, which is kept beside it. It can be\n"
        "interrupted at any moment: the next start finishes it or undoes it.");
    return *rotate;
}

int run_verb(const CommandLine& line, const ConfigInput& input, const ChosenVerb& chosen,
             std::ostream& out, std::ostream& err) {
    const auto loaded = load_config(input);
    if (!loaded) return print_errors(loaded.error(), err);
    Verb verb{.config = loaded->config,
              .format = chosen.wants_json ? Format::json : Format::table,
              .is_confirmed = chosen.is_confirmed,
              .person = line.person,
              .out = out,
              .err = err};
    const Result<int> status = chosen.run(verb);
    if (status.has_value()) return *status;
    err << "roost: " << status.error().message << "\n";
    return status.error().name == "NotConfirmed" ? exit_wrong_usage : exit_failed;
}

void add_operator_verbs(CLI::App& program, ChosenVerb& chosen) {
    add_account_verbs(program, chosen);
    add_invite_verbs(program, chosen);
    add_repo_verbs(program, chosen);
    add_audit_verb(program, chosen);
    add_crawl_verb(program, chosen);
    add_mail_verbs(program, chosen);
}

// "account", or "account list": what is said of it, unless there is no such thing.
const CLI::App* find_verb(const CLI::App& program, const std::vector<std::string>& words) {
    const CLI::App* found = &program;
    for (const std::string& word : words) {
        const auto inner =
            found->get_subcommands([&](const CLI::App* each) { return each->check_name(word); });
        if (inner.empty()) return nullptr;
        found = inner.front();
    }
    return found;
}

int help(const CLI::App& program, const std::vector<std::string>& topic, std::ostream& out,
         std::ostream& err) {
    if (topic == std::vector<std::string>{"settings"}) {
        out << settings_reference();
        return 0;
    }
    if (const CLI::App* verb = find_verb(program, topic)) {
        std::string before = program.get_name();
        for (std::size_t i = 0; i + 1 < topic.size(); ++i)
            before += " " + topic[i];
        out << verb->help(before);
        return 0;
    }
    std::string words;
    for (const std::string& word : topic)
        words += (words.empty() ? "" : " ") + word;
    err << "roost: there is no help about \"" << words << "\"; see roost help\n";
    return exit_wrong_usage;
}

bool is_operators(const std::string& word) {
    constexpr std::array nouns = {"account", "invite", "repo", "audit", "crawl", "mail"};
    return std::ranges::find(nouns, word) != nouns.end();
}

void set_up(CLI::App& program, const std::string& version) {
    program.require_subcommand(1);
    program.set_version_flag("-V,--version", version);
    program.get_formatter()->column_width(34);
    program.failure_message([](const CLI::App*, const CLI::Error& error) {
        return "roost: " + std::string(error.what()) + "; see roost help\n";
    });
}

// A command would inherit what stands below the overview when it is added.
void add_footers(CLI::App& program) {
    program.footer(examples);
    for (CLI::App* noun : program.get_subcommands({}))
        if (!noun->get_subcommands({}).empty())
            noun->footer("\nMore of each: roost help " + noun->get_name() + " SUBCOMMAND");
}

// What is wrong with the first word, if it is no command.
std::optional<std::string> unknown_command(const CLI::App& program,
                                           const std::vector<std::string>& arguments) {
    if (arguments.empty() || arguments[0].starts_with("-")) return std::nullopt;
    std::vector<std::string> verbs;
    for (const CLI::App* verb : program.get_subcommands({}))
        verbs.push_back(verb->get_name());
    const std::string& word = arguments[0];
    if (std::ranges::find(verbs, word) != verbs.end()) return std::nullopt;
    constexpr std::size_t shown_bytes_max = 40;
    const auto meant = nearest_name(word, {verbs.begin(), verbs.end()});
    return "there is no command \"" + word.substr(0, shown_bytes_max) + "\"; " +
           (meant ? "did you mean roost " + std::string(*meant) + "?" : "see roost help");
}

}  // namespace

int run_command_line(const CommandLine& line, const Run& run, std::ostream& out,
                     std::ostream& err) {
    const std::string version = std::string("roost ") + ROOST_VERSION;
    CLI::App program(about, "roost");
    set_up(program, version);

    // A hundred flags are made for a command only if it, or help about it, is asked for.
    const auto is_named = [&](const char* verb) {
        return std::ranges::find(line.arguments, verb) != line.arguments.end();
    };
    Environment flags;
    CLI::App* serve = program.add_subcommand("serve", "Run the server until it is told to stop");
    if (is_named("serve")) add_setting_flags(*serve, flags);
    CLI::App* dev = program.add_subcommand(
        "dev", "Run a server to try things with: on localhost, in ./dev-data, without invites");
    if (is_named("dev")) add_setting_flags(*dev, flags);
    dev->footer(
        "\nThe PLC directory of roost dev listens on the port below --port, its metrics on the\n"
        "port above. Mails are kept and shown at /dev/mail.");
    CLI::App* config = program.add_subcommand("config", "Show the settings that are in force");
    ReportOptions options;
    config->add_flag("--json", options.json, "as JSON");
    config->add_flag("--all", options.all, "also those that nothing sets");
    if (is_named("config")) add_setting_flags(*config, flags);
    ChosenVerb chosen;
    add_operator_verbs(program, chosen);
    if (std::ranges::any_of(line.arguments, is_operators))
        for (CLI::App* verb : chosen.verbs)
            add_setting_flags(*verb, flags);
    CLI::App& rotate = add_key_rotate(program);
    if (is_named("key")) add_setting_flags(rotate, flags);
    const CLI::App* show_version = program.add_subcommand("version", "Tell which roost this is");
    CLI::App* show_help = program.add_subcommand("help", "Explain a command, or all settings");
    std::vector<std::string> topic;
    show_help->add_option("topic", topic, "a command, or settings");

    add_footers(program);

    if (const auto wrong = unknown_command(program, line.arguments)) {
        err << "roost: " << *wrong << "\n";
        return exit_wrong_usage;
    }
    const std::string overview = program.help();  // after parse() it would be the command's

    try {
        std::vector<std::string> reversed(line.arguments.rbegin(), line.arguments.rend());
        program.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) {
        return program.exit(error, out, err) == 0 ? 0 : exit_wrong_usage;
    }
    if (*show_version) {
        out << version << "\n";
        return 0;
    }
    if (*show_help && topic.empty()) {
        out << overview;
        return 0;
    }
    if (*show_help) return help(program, topic, out, err);
    const ConfigInput input{.mode = *dev ? Mode::dev : Mode::serve,
                            .environment = line.environment,
                            .flags = std::move(flags)};
    try {
        if (*config) return report(input, options, out, err);
        if (rotate) return rotate_key(input, out, err);
        if (chosen.run) return run_verb(line, input, chosen, out, err);
        return start(input, run, err);
    } catch (const std::exception& failure) {
        err << "roost: " << failure.what() << "\n";
        return exit_failed;
    }
}

}  // namespace roost::app
