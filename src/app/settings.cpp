#include "app/settings.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/check.h"

namespace roost::app {

namespace {

// The least number of letters to add, drop or change (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0U);
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t change = diagonal + (a[i] == b[j] ? 0U : 1U);
            diagonal = row[j + 1];
            row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

bool looks_like_ours(std::string_view name) {
    return name.starts_with("PDS_") || name.starts_with("ROOST_");
}

const Setting& known(std::string_view name) {
    const Setting* setting = find_setting(name);
    check(setting != nullptr, "only settings of the table are asked for");
    return *setting;
}

// What `roost dev` decides unless it is told otherwise.
const Environment& dev_layer() {
    static const Environment layer = {{"PDS_DATA_DIRECTORY", "./dev-data"},
                                      {"PDS_DEV_MODE", "true"},
                                      {"PDS_INVITE_REQUIRED", "false"}};
    return layer;
}

}  // namespace

std::string flag_of(const Setting& setting) {
    std::string_view name = setting.name;
    for (const std::string_view prefix : {"PDS_", "ROOST_"})
        if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    std::string flag(name);
    for (char& c : flag)
        c = c == '_' ? '-' : static_cast<char>(std::tolower(c));
    return flag;
}

std::optional<std::string_view> nearest_name(std::string_view unknown,
                                             const std::vector<std::string_view>& names) {
    constexpr std::size_t name_bytes_max = 100;  // no known name is near a longer one
    if (unknown.size() > name_bytes_max) return std::nullopt;
    std::size_t best = std::max<std::size_t>(2, unknown.size() / 4) + 1;
    std::optional<std::string_view> nearest;
    for (const std::string_view name : names) {
        const std::size_t away = distance(unknown, name);
        if (away >= best) continue;
        best = away;
        nearest = name;
    }
    return nearest;
}

std::optional<std::string_view> nearest_setting(std::string_view unknown) {
    std::vector<std::string_view> names;
    for (const Setting& setting : all_settings())
        names.push_back(setting.name);
    return nearest_name(unknown, names);
}

GivenSettings::GivenSettings(const ConfigInput& input) {
    if (input.mode == Mode::dev) take_layer(dev_layer(), "roost dev");
    take_layer(input.environment, "environment");
    take_layer(input.flags, "flag");
    check_values();
    warn_about_unused();
}

void GivenSettings::take_layer(const Environment& layer, std::string_view source) {
    for (const auto& [name, value] : layer) {
        if (find_setting(name) != nullptr) {
            if (!value.empty()) given_[name] = {value, std::string(source)};
            continue;
        }
        if (!looks_like_ours(name)) continue;
        std::string warning = name + " is not a setting of roost and has no effect";
        if (const auto nearest = nearest_setting(name))
            warning += "; is " + std::string(*nearest) + " meant?";
        warnings_.push_back(std::move(warning));
    }
}

void GivenSettings::check_values() {
    for (const Setting& setting : all_settings()) {
        const auto given = given_.find(setting.name);
        if (given == given_.end()) continue;
        const std::string& value = given->second.value;
        const auto expectation = expectation_unless_valid(setting.kind, value);
        if (!expectation) continue;
        std::string message = setting.secrecy == Secrecy::secret
                                  ? std::string("the value (not shown) is wrong")
                                  : "\"" + value.substr(0, 200) + "\" is wrong";
        refuse(setting.name, message + ": " + *expectation);
        given_.erase(given);
    }
}

void GivenSettings::warn_about_unused() {
    for (const Setting& setting : all_settings())
        if (setting.use == Use::later && given_.contains(setting.name))
            warnings_.push_back(std::string(setting.name) + " is set but not used yet");
}

bool GivenSettings::has(std::string_view name) const {
    return given_.contains(known(name).name);
}

bool GivenSettings::was_given(std::string_view name) const {
    return has(name) || std::ranges::any_of(errors_, [&](const ConfigError& error) {
               return error.variable == name;
           });
}

std::string GivenSettings::text(std::string_view name) const {
    const Setting& setting = known(name);
    const auto given = given_.find(name);
    return given == given_.end() ? std::string(setting.initial) : given->second.value;
}

std::int64_t GivenSettings::number(std::string_view name) const {
    const std::string digits = text(name);
    std::int64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

bool GivenSettings::flag(std::string_view name) const {
    return is_true(text(name));
}

std::vector<std::string> GivenSettings::list(std::string_view name) const {
    return split_list(text(name));
}

void GivenSettings::refuse(std::string_view name, std::string message) {
    errors_.push_back({std::string(known(name).name), std::move(message)});
}

void GivenSettings::derive(std::string_view name, std::string value, std::string source) {
    derived_[std::string(known(name).name)] = {std::move(value), std::move(source)};
}

std::vector<ShownSetting> GivenSettings::shown() const {
    std::vector<ShownSetting> lines;
    for (const Setting& setting : all_settings()) {
        ShownSetting line;
        line.variable = setting.name;
        if (const auto given = given_.find(setting.name); given != given_.end()) {
            line.value = given->second.value;
            line.source = given->second.source;
        } else if (const auto own = derived_.find(setting.name); own != derived_.end()) {
            line.value = own->second.value;
            line.source = own->second.source;
        } else if (!setting.initial.empty()) {
            line.value = setting.initial;
            line.source = "default";
        }
        if (setting.secrecy == Secrecy::secret && !line.value.empty()) line.value = "(set)";
        if (setting.use == Use::later) line.note = "not used yet";
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace roost::app
