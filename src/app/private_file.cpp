#include "app/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace roost::app {

namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;  // a few keys; anything larger is a wrong path

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int number() const { return number_; }
    bool is_open() const { return number_ >= 0; }

  private:
    int number_;
};

Error failed(std::string_view what, const std::filesystem::path& path, int reason) {
    return Error::invalid("cannot " + std::string(what) + " " + path.string() + ": " +
                          std::generic_category().message(reason));
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

Result<void> sync_folder(const std::filesystem::path& folder) {
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || ::fsync(opened.number()) != 0)
        return failed("make durable", folder, errno);
    return {};
}

Result<void> write_durably(const std::filesystem::path& path, std::string_view content) {
    const Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) return failed("write", path, errno);
    while (!content.empty()) {
        const ssize_t count = ::write(file.number(), content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed("write", path, errno);
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::fsync(file.number()) != 0) return failed("make durable", path, errno);
    return {};
}

}  // namespace

Result<std::optional<SecretText>> read_private_file(const std::filesystem::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open()) {
        if (errno == ENOENT) return std::optional<SecretText>();
        return failed("read", path, errno);
    }
    struct stat state{};
    if (::fstat(file.number(), &state) != 0) return failed("read", path, errno);
    if (!S_ISREG(state.st_mode)) return Error::invalid(path.string() + " is not a regular file");
    if ((state.st_mode & 0177U) != 0)
        return Error::invalid(path.string() +
                              " has wider permissions than 0600, so others may have read it: run "
                              "chmod 600 " +
                              path.string() + ", and replace what is in it if they could");
    if (static_cast<std::size_t>(state.st_size) > file_bytes_max)
        return Error::invalid(path.string() + " is larger than 64 KiB: not a file of roost's");
    std::string content(static_cast<std::size_t>(state.st_size), '\0');
    std::size_t at = 0;
    while (at < content.size()) {
        const ssize_t count = ::read(file.number(), content.data() + at, content.size() - at);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed("read", path, errno);
        if (count == 0) break;
        at += static_cast<std::size_t>(count);
    }
    content.resize(at);
    return std::optional(SecretText(std::move(content)));
}

Result<void> write_private_file(const std::filesystem::path& path, std::string_view content,
                                IfPresent if_present) {
    std::filesystem::path draft = path;
    draft += ".new";
    ::unlink(draft.c_str());  // of an attempt that was cut off
    TRY(write_durably(draft, content));
    if (if_present == IfPresent::replace) {
        if (::rename(draft.c_str(), path.c_str()) != 0) return failed("write", path, errno);
    } else {
        if (::link(draft.c_str(), path.c_str()) != 0) {
            const int reason = errno;
            ::unlink(draft.c_str());
            return failed("write", path, reason);
        }
        ::unlink(draft.c_str());
    }
    return sync_folder(folder_of(path));
}

Result<void> add_private_name(const std::filesystem::path& path,
                              const std::filesystem::path& second) {
    if (::link(path.c_str(), second.c_str()) != 0) {
        if (errno != EEXIST) return failed("give a second name to", path, errno);
        const auto content = TRY(read_private_file(path));
        const auto other = TRY(read_private_file(second));
        if (!content || !other ||
            !equal_in_constant_time(as_bytes(content->reveal()), as_bytes(other->reveal())))
            return Error::invalid(second.string() + " is in the way: it is not a copy of " +
                                  path.string());
    }
    return sync_folder(folder_of(second));
}

Result<void> move_private_file(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0)
        return failed("move " + from.string() + " to", to, errno);
    return sync_folder(folder_of(to));
}

Result<void> remove_private_file(const std::filesystem::path& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove", path, errno);
    return sync_folder(folder_of(path));
}

Result<void> make_private_directory(const std::filesystem::path& path) {
    struct stat state{};
    if (::stat(path.c_str(), &state) == 0) {
        if (S_ISDIR(state.st_mode)) return {};
        return Error::invalid(path.string() + " is not a folder");
    }
    const std::filesystem::path parent = folder_of(path);
    if (parent != path) TRY(make_private_directory(parent));
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("create", path, errno);
    return sync_folder(parent);
}

}  // namespace roost::app
