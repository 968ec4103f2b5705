#include "pds/repos/restore_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "pds/limits.h"
#include "pds/repos/repo_store.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

// The last account that was told of; none if there is nothing to tell.
std::optional<std::int64_t> find_progress(db::Transaction& t) {
    db::Rows row = t.select("SELECT after_account FROM resync WHERE id = 1");
    if (!row.next()) return std::nullopt;
    return row.integer(0);
}

void set_progress(db::Transaction& t, std::int64_t after_account) {
    t.execute(
        "INSERT INTO resync (id, after_account) VALUES (1, $1) "
        "ON CONFLICT (id) DO UPDATE SET after_account = excluded.after_account",
        after_account);
}

void end_progress(db::Transaction& t) {
    t.execute("DELETE FROM resync");
}

// Nothing if there is no such file, or it was cut off.
std::optional<std::int64_t> read_number(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string line;
    if (!std::getline(in, line) || in.eof()) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc() || end != line.data() + line.size()) return std::nullopt;
    return number;
}

constexpr std::size_t digits_noted = std::numeric_limits<std::int64_t>::digits10 + 1;

// In place, and always as long: after a power loss the old number is there, or the new one. The
// file is made if there is none.
bool write_number(const std::filesystem::path& file, std::int64_t number) {
    const std::string digits = std::to_string(number);
    const std::string line = std::string(digits_noted - digits.size(), '0') + digits + '\n';
    const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (opened < 0) return false;
    const bool is_written = ::pwrite(opened, line.data(), line.size(), 0) == std::ssize(line);
    return (::close(opened) == 0) && is_written;
}

bool sync(const std::filesystem::path& file_or_folder) {
    const int opened = ::open(file_or_folder.c_str(), O_RDONLY | O_CLOEXEC);
    if (opened < 0) return false;
    const bool is_synced = ::fsync(opened) == 0;
    ::close(opened);
    return is_synced;
}

Error not_written(const std::filesystem::path& file) {
    return Error::unavailable(
        "cannot write " + file.string() + "; is the disk full, or the folder read-only?", 60);
}

}  // namespace

Task<Result<void>> RestoreWatch::begin() {
    const std::int64_t newest = CO_TRY(co_await db_.read(
        [](db::Transaction& t) -> Result<std::int64_t> { return event_log::newest(t); }));
    const std::optional<std::int64_t> known = read_number(file_);
    const bool was_put_back = newest > 0 && (!known || *known > newest);
    if (was_put_back)
        log::warn(
            "the database seems to have been restored from a copy: consumers of the event "
            "stream are told where each repository stands",
            {{"newest", newest}, {"seen", known.value_or(0)}});
    has_to_tell_ = CO_TRY(co_await db_.write([was_put_back](db::Transaction& t) -> Result<bool> {
        if (was_put_back) set_progress(t, 0);
        return find_progress(t).has_value();
    }));
    // From here on it is never missing, which would be taken for a restore.
    CO_TRY(note(newest));
    if (!sync(file_) || !sync(file_.parent_path())) co_return not_written(file_);
    co_return Result<void>{};
}

// Not synced: after a power loss it may say less than it could.
Result<void> RestoreWatch::note(std::int64_t seq) {
    if (!write_number(file_, seq)) return not_written(file_);
    noted_ = seq;
    return {};
}

Task<void> RestoreWatch::note_newest() {
    const Result<std::int64_t> newest = co_await db_.read(
        [](db::Transaction& t) -> Result<std::int64_t> { return event_log::newest(t); });
    if (!newest.has_value() || *newest == noted_) co_return;
    const Result<void> noted = note(*newest);
    if (!noted.has_value())
        log::warn("the newest event number was not noted", {{"reason", noted.error().message}});
}

Task<void> RestoreWatch::tell_some() {
    if (!has_to_tell_) co_return;
    const auto page =
        co_await db_.read([](db::Transaction& t) -> Result<std::vector<repo_store::Listed>> {
            return repo_store::list(t, find_progress(t).value_or(0), limits::repos_told_at_once);
        });
    if (!page.has_value()) co_return;
    for (const repo_store::Listed& repo : *page) {
        if (repo.status != AccountStatus::active) continue;  // its activation tells
        const Result<void> renewed = co_await repos_.renew(repo.account_id, repo.did);
        if (renewed.has_value()) continue;
        // A full disk, or a server that is stopping, is not this repository's affair.
        const Fault fault = renewed.error().fault;
        if (fault != Fault::not_found && fault != Fault::internal) co_return;
        log::warn("a repository could not be told of",
                  {{"did", repo.did.text()}, {"reason", renewed.error().message}});
    }
    const std::int64_t last = page->empty() ? 0 : page->back().account_id;
    const bool is_over = page->empty();
    const Result<void> done =
        co_await db_.write([is_over, last](db::Transaction& t) -> Result<void> {
            if (is_over)
                end_progress(t);
            else
                set_progress(t, last);
            return {};
        });
    if (!done.has_value() || !is_over) co_return;
    has_to_tell_ = false;
    log::info("consumers have been told where each repository stands");
}

}  // namespace roost::pds
