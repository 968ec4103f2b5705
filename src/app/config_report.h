// What is in force, for `roost config`: a table for people, or JSON for programs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/config.h"

namespace roost::app {

// Marks the secrets that are kept in, or will be made in, the data directory. Makes nothing.
void add_kept_secrets(std::vector<ShownSetting>& shown, const std::vector<std::string>& kept);

// "setting  value  source  note" in columns. Settings that nothing sets are left out unless asked.
enum class Unset { left_out, listed };
std::string config_as_table(std::span<const ShownSetting> shown, Unset unset);
std::string config_as_json(std::span<const ShownSetting> shown,
                           std::span<const std::string> warnings);

// Every setting with its flag, default and meaning, by group: `roost help settings`.
std::string settings_reference();

}  // namespace roost::app
