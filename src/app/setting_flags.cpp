#include "app/setting_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "app/settings.h"

namespace roost::app {

namespace {

constexpr std::array common_settings = {"PDS_HOSTNAME",
                                        "PDS_PORT",
                                        "PDS_DATA_DIRECTORY",
                                        "ROOST_LISTEN_ADDRESSES",
                                        "PDS_SERVICE_HANDLE_DOMAINS",
                                        "PDS_DID_PLC_URL",
                                        "PDS_INVITE_REQUIRED",
                                        "PDS_CRAWLERS",
                                        "ROOST_TLS_CERTIFICATE_FILE",
                                        "ROOST_TLS_KEY_FILE",
                                        "ROOST_METRICS_ADDRESS",
                                        "LOG_LEVEL",
                                        "LOG_DESTINATION"};

// Secrets are refused here: other users of the machine can read the arguments of a program.
void add_secret_flag(CLI::App& verb, const Setting& setting, const std::string& flag) {
    const std::string message = flag +
                                " is not taken from the command line, which others can "
                                "see: set " +
                                std::string(setting.name) + " in the environment";
    verb.add_option_function<std::string>(
            flag, [message](const std::string&) { throw CLI::ValidationError(message); })
        ->expected(0, 1)
        ->group("");
}

}  // namespace

void add_setting_flags(CLI::App& verb, Environment& flags) {
    for (const Setting& setting : all_settings()) {
        const std::string flag = "--" + flag_of(setting);
        if (setting.secrecy == Secrecy::secret) {
            add_secret_flag(verb, setting, flag);
            continue;
        }
        const std::string name(setting.name);
        const bool is_boolean = setting.kind == Kind::boolean;
        CLI::Option* option = verb.add_option_function<std::string>(
            flag,
            [&flags, name, is_boolean](const std::string& value) {
                flags[name] = is_boolean && value.empty() ? "true" : value;
            },
            std::string(setting.meaning));
        if (is_boolean) option->expected(0, 1);
        const bool is_common = std::ranges::find(common_settings, name) != common_settings.end();
        option->group(is_common ? "Settings (all of them: roost help settings)" : "");
        option->type_name(is_boolean ? "[true|false]" : "VALUE");
    }
}

}  // namespace roost::app
