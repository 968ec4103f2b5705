// The server's own secrets: taken from the environment, else from the data directory, else made.
//
// Two files, both 0600. `secrets.json` holds what roost made for variables that were not set, by
// the variable's name; an operator can move one into the environment at any time. `master.key` (64
// hex digits, 32 random bytes) encrypts the accounts' signing keys in the database; it can live
// elsewhere, and a backup without it is of no use to a thief.
// Losing the PLC rotation key or the master key means losing control over every account, so they
// are made only while no account can exist.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "base/secret.h"

namespace roost::app {

struct Secrets {
    SecretText jwt_secret;
    SecretText admin_password;
    SecretText dpop_secret;
    SecretBytes plc_rotation_key;  // 32 bytes, a valid K-256 private key
    SecretBytes master_key;        // 32 bytes
};

struct LoadedSecrets {
    Secrets secrets;
    // What was made just now, for the one log line that says so: names and files, no values.
    std::vector<std::string> made;
};

enum class Accounts { none, may_exist };

// To be called once at the start, by the process that holds the data directory's lock. Errors name
// the file and what to do.
Result<LoadedSecrets> load_or_make_secrets(const Config& config, Accounts accounts);

// The master key in this file; nothing if there is none.
Result<std::optional<SecretBytes>> read_master_key(const std::filesystem::path& path);
// Makes a new one, and gives it as it was read back. Refused if the file is there.
Result<SecretBytes> make_master_key(const std::filesystem::path& path);

// For tools: the one given, or the one kept; empty if there is neither.
Result<SecretText> admin_password(const Config& config);

// The variables that secrets.json holds a value for; empty if there is no such file.
Result<std::vector<std::string>> kept_secrets(const StorageConfig& storage);

}  // namespace roost::app
