#include "app/verbs/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace roost::app {

namespace {

std::filesystem::path draft_of(const std::filesystem::path& path) {
    std::filesystem::path draft = path;
    draft += ".part";
    return draft;
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error))
        return Error::invalid(path.string() + " is there already: name another file, or remove it");
    const int file = ::open(draft_of(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return Error::invalid("cannot write " + draft_of(path).string() + ": " +
                              std::strerror(errno));
    return OutputFile(file, path);
}

Result<OutputFile> OutputFile::standard_output() {
    return OutputFile(STDOUT_FILENO, {});
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)), path_(std::move(other.path_)) {}

OutputFile::~OutputFile() {
    if (file_ < 0 || path_.empty()) return;
    ::close(file_);
    ::unlink(draft_of(path_).c_str());
}

Error OutputFile::failed(std::string_view what) const {
    return Error::invalid("cannot " + std::string(what) + " " +
                          (path_.empty() ? "the standard output" : path_.string()) + ": " +
                          std::strerror(errno));
}

Result<void> OutputFile::write(ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failed("write");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> OutputFile::finish() {
    if (path_.empty()) return {};
    if (::fsync(file_) != 0) return failed("sync");
    ::close(std::exchange(file_, -1));
    if (::rename(draft_of(path_).c_str(), path_.c_str()) != 0) return failed("name");
    const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool is_synced = directory >= 0 && ::fsync(directory) == 0;
    if (directory >= 0) ::close(directory);
    if (!is_synced) return failed("sync the folder of");
    return {};
}

}  // namespace roost::app
