// The table of settings: every variable that roost knows, and the values given for them.
//
// The names, meanings and defaults of PDS_* and LOG_* are the reference server's; ROOST_* are ours.
// All of them are known, also those that no part uses yet, so that an environment file of the
// reference works unchanged and `roost config` can say what has no effect.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"

namespace roost::app {

enum class Kind {
    text,
    boolean,
    number,  // an integer that is not negative; so are the two below
    milliseconds,
    byte_count,
    port,
    host_name,
    url,       // http or https
    url_list,  // lists are separated by commas
    smtp_url,
    mail_address,  // "a@b.c" or "Name <a@b.c>"
    did,
    did_key,
    domain_list,    // ".example.com"
    address_list,   // numeric
    range_list,     // addresses or CIDR blocks
    metrics_place,  // address:port, or "off"
    name_list,
    path,
    k256_key,  // 64 hex digits
    hex,
    log_level,
};

enum class Group { service, storage, identity, invites, mail, stream, proxy, limits, pages, log };
enum class Secrecy { open, secret };
enum class Use { now, later };

struct Setting {
    std::string_view name;
    Kind kind;
    std::string_view initial;  // the default; empty: none, or one that follows from other settings
    Group group;
    Use use;
    Secrecy secrecy;
    std::string_view meaning;
};

std::span<const Setting> all_settings();
const Setting* find_setting(std::string_view name);
std::string_view group_title(Group group);

// PDS_DATA_DIRECTORY → "data-directory", ROOST_THREADS → "threads", LOG_LEVEL → "log-level".
std::string flag_of(const Setting& setting);

// Why the text is not a value of that kind, as "expected …"; nothing if it is one.
std::optional<std::string> expectation_unless_valid(Kind kind, std::string_view text);

// The items between commas, without white space around them and without empty ones.
std::vector<std::string> split_list(std::string_view text);
bool is_true(std::string_view text);  // of a valid boolean
std::optional<AddressAndPort> parse_address_and_port(std::string_view text);

// The values given, each checked against its kind once.
class GivenSettings {
  public:
    // Reads the layers: defaults of the mode, environment, flags; later ones win.
    explicit GivenSettings(const ConfigInput& input);

    const std::vector<ConfigError>& errors() const { return errors_; }
    const std::vector<std::string>& warnings() const { return warnings_; }

    bool has(std::string_view name) const;        // given, and valid
    bool was_given(std::string_view name) const;  // perhaps wrong
    // What was given, or the default of the table. Empty if there is neither.
    std::string text(std::string_view name) const;
    std::int64_t number(std::string_view name) const;  // 0 if there is neither
    bool flag(std::string_view name) const;
    std::vector<std::string> list(std::string_view name) const;

    void refuse(std::string_view name, std::string message);
    // For `roost config`: what a setting amounts to that was not given.
    void derive(std::string_view name, std::string value, std::string source = "default");
    std::vector<ShownSetting> shown() const;

  private:
    struct Given {
        std::string value;
        std::string source;
    };
    void take_layer(const Environment& layer, std::string_view source);
    void check_values();
    void warn_about_unused();

    std::map<std::string, Given, std::less<>> given_;
    std::map<std::string, Given, std::less<>> derived_;
    std::vector<ConfigError> errors_;
    std::vector<std::string> warnings_;
};

// The known name that an unknown one is most like; nothing if none is near.
std::optional<std::string_view> nearest_setting(std::string_view unknown);
// That of the names which somebody who wrote an unknown one may have meant.
std::optional<std::string_view> nearest_name(std::string_view unknown,
                                             const std::vector<std::string_view>& names);

}  // namespace roost::app
