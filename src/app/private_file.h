// Files that only this process's user may read: secrets, keys and the folder they are in.
//
// A file is written whole or not at all, and is durable when the call returns. Errors are
// Fault::invalid with a message that names the file and what to do.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace roost::app {

// Nothing if there is no such file. Refused: readable by others (more than 0600), not a regular
// file, larger than 64 KiB.
Result<std::optional<SecretText>> read_private_file(const std::filesystem::path& path);

enum class IfPresent { replace, refuse };
Result<void> write_private_file(const std::filesystem::path& path, std::string_view content,
                                IfPresent if_present);

// Gives a file a second name beside the first. Fine if there is one already with the same content.
Result<void> add_private_name(const std::filesystem::path& path,
                              const std::filesystem::path& second);
// Takes the place of what is there.
Result<void> move_private_file(const std::filesystem::path& from, const std::filesystem::path& to);
// Fine if there is no such file.
Result<void> remove_private_file(const std::filesystem::path& path);

// Creates the folder, and those above it, for this user only (0700). One that is there is left as
// it is.
Result<void> make_private_directory(const std::filesystem::path& path);

}  // namespace roost::app
