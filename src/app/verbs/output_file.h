// A file that is there whole and durable, or not at all; or the standard output.
#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"

namespace roost::app {

class OutputFile {
  public:
    // Errors, Fault::invalid: it cannot be made, or something of that name is there.
    static Result<OutputFile> create(const std::filesystem::path& path);
    static Result<OutputFile> standard_output();

    OutputFile(OutputFile&& other) noexcept;
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    ~OutputFile();  // without finish(), nothing is left

    Result<void> write(ByteView bytes);
    // Syncs it, and gives it its name.
    Result<void> finish();

  private:
    OutputFile(int file, std::filesystem::path path) : file_(file), path_(std::move(path)) {}
    Error failed(std::string_view what) const;

    int file_;
    std::filesystem::path path_;  // empty: the standard output
};

}  // namespace roost::app
