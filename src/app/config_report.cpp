#include "app/config_report.h"

#include <algorithm>

#include "app/settings.h"
#include "atproto/data/json.h"

namespace roost::app {

namespace {

constexpr std::string_view made_ones[] = {"PDS_JWT_SECRET", "PDS_ADMIN_PASSWORD", "PDS_DPOP_SECRET",
                                          "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX"};

// Columns as wide as their widest cell, but a long cell does not push the others out of sight.
constexpr std::size_t column_width_max = 48;

std::string padded(std::string_view cell, std::size_t width) {
    std::string text(cell);
    text.append(width > text.size() ? width - text.size() : 0, ' ');
    return text + "  ";
}

void append_member(std::string& json, std::string_view name, std::string_view value) {
    if (!json.ends_with('{')) json += ',';
    atproto::json::append_string(json, name);
    json += ':';
    atproto::json::append_string(json, value);
}

}  // namespace

void add_kept_secrets(std::vector<ShownSetting>& shown, const std::vector<std::string>& kept) {
    for (ShownSetting& line : shown) {
        if (!line.value.empty() ||
            std::ranges::find(made_ones, line.variable) == std::end(made_ones))
            continue;
        const bool is_kept = std::ranges::find(kept, line.variable) != kept.end();
        line.value = is_kept ? "(set)" : "(made at the first start)";
        line.source = is_kept ? "generated file" : "default";
    }
}

std::string config_as_table(std::span<const ShownSetting> shown, Unset unset) {
    std::vector<ShownSetting> rows = {{"setting", "value", "source", "note"}};
    for (const ShownSetting& line : shown) {
        if (line.value.empty() && unset == Unset::left_out) continue;
        rows.push_back(line);
        if (line.value.empty()) rows.back().value = "-";
        if (line.source.empty()) rows.back().source = "-";
    }
    std::size_t name_width = 0;
    std::size_t value_width = 0;
    std::size_t source_width = 0;
    for (const ShownSetting& row : rows) {
        name_width = std::max(name_width, std::min(row.variable.size(), column_width_max));
        value_width = std::max(value_width, std::min(row.value.size(), column_width_max));
        source_width = std::max(source_width, row.source.size());
    }
    std::string table;
    for (const ShownSetting& row : rows) {
        std::string line = padded(row.variable, name_width) + padded(row.value, value_width) +
                           padded(row.source, source_width) + row.note;
        while (line.ends_with(' '))
            line.pop_back();
        table += line + "\n";
    }
    return table;
}

std::string config_as_json(std::span<const ShownSetting> shown,
                           std::span<const std::string> warnings) {
    std::string json = "{\n  \"settings\": [";
    for (const ShownSetting& line : shown) {
        json += json.ends_with('[') ? "\n    {" : ",\n    {";
        append_member(json, "name", line.variable);
        append_member(json, "value", line.value);
        append_member(json, "source", line.source);
        append_member(json, "note", line.note);
        json += '}';
    }
    json += "\n  ],\n  \"warnings\": [";
    for (const std::string& warning : warnings) {
        json += json.ends_with('[') ? "\n    " : ",\n    ";
        atproto::json::append_string(json, warning);
    }
    return json + "\n  ]\n}\n";
}

std::string settings_reference() {
    std::string text =
        "Settings are read from the environment and, except secrets, from flags. Flags win.\n"
        "Those marked * are known, because the reference server has them, but not used yet.\n";
    Group group = Group::log;
    for (const Setting& setting : all_settings()) {
        if (setting.group != group || &setting == all_settings().data()) {
            group = setting.group;
            text += "\n" + std::string(group_title(group)) + "\n";
        }
        text += "  " + std::string(setting.name) + (setting.use == Use::later ? " *" : "");
        if (setting.secrecy == Secrecy::open) text += "   --" + flag_of(setting);
        text += "\n      " + std::string(setting.meaning);
        if (!setting.initial.empty()) text += " [" + std::string(setting.initial) + "]";
        text += "\n";
    }
    return text;
}

}  // namespace roost::app
