#include "app/key_rotation.h"

#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <ostream>

#include "app/private_file.h"
#include "app/secrets_file.h"
#include "base/log.h"
#include "base/run_loop.h"

namespace roost::app {

namespace {

namespace fs = std::filesystem;
namespace key_store = pds::key_store;
using pds::KeyVault;
using Step = RotationProgress::Step;

// From the kernel's linux/magic.h.
constexpr long tmpfs_magic = 0x01021994;
constexpr long ramfs_magic = static_cast<long>(0x858458f6);

fs::path with_suffix(const fs::path& path, std::string_view suffix) {
    fs::path longer = path;
    longer += suffix;
    return longer;
}

// Of the file itself, so that a link to it stays one.
fs::path real_path(const fs::path& path) {
    std::error_code error;
    fs::path real = fs::canonical(path, error);
    return error ? path : real;
}

fs::path next_of(const fs::path& key_file) {
    return with_suffix(key_file, ".next");
}

fs::path old_of(const fs::path& key_file, const KeyVault& vault) {
    return with_suffix(key_file, ".old-" + vault.id());
}

// Root would leave files that the service cannot read.
Result<void> check_owner(const fs::path& key_file) {
    struct stat state{};
    if (::stat(key_file.c_str(), &state) != 0)
        return Error::invalid("the master key " + key_file.string() +
                              " is missing: name it in ROOST_MASTER_KEY_FILE");
    if (state.st_uid != ::geteuid())
        return Error::invalid("run this as the user who owns " + key_file.string() +
                              ", the one that the server runs as");
    return {};
}

bool is_in_memory(const fs::path& path) {
    struct statfs state{};
    if (::statfs(path.c_str(), &state) != 0) return false;
    return state.f_type == tmpfs_magic || state.f_type == ramfs_magic;
}

Error wrong_place(std::string what) {
    return Error::invalid(std::move(what) +
                          "; nothing was changed. Copy the key to a folder on a disk, point "
                          "ROOST_MASTER_KEY_FILE to the copy for this command, and then put the "
                          "new key where the old one comes from");
}

// A new key that is gone after the next boot would take the accounts with it.
Result<void> check_place(const fs::path& key_file, const StorageConfig& storage) {
    if (!is_in_memory(key_file) || is_in_memory(storage.data_directory)) return {};
    return wrong_place(key_file.string() + " is in memory, where the new key would not last");
}

Result<bool> any_opens(db::Database& db, const SecretBytes& key) {
    RunLoop loop;
    const KeyVault vault(key);
    return loop.run(db.read(
        [&](db::Transaction& t) -> Result<bool> { return key_store::any_opens(t, vault); }));
}

Result<key_store::Resealed> reseal(db::Database& db, const KeyVault& from, const KeyVault& to,
                                   const OnRotation& on_progress) {
    RunLoop loop;
    // This thread waits meanwhile, so it is as good as on it that the progress is told.
    return loop.run(db.write([&](db::Transaction& t) -> Result<key_store::Resealed> {
        const key_store::Resealed sum =
            key_store::reseal_all(t, from, to, [&](std::int64_t seen, std::int64_t all) {
                on_progress({.step = Step::resealing, .seen = seen, .all = all});
            });
        if (sum.done == 0 && sum.unreadable > 0)
            return Error::invalid(
                "none of the signing keys in the database opens with this master key: name the "
                "right one in ROOST_MASTER_KEY_FILE");
        return sum;
    }));
}

// The new key is durable in FILE.next; none of these files is lost by what fails here.
Result<Rotation> replace_key(const fs::path& key_file, const SecretBytes& current,
                             const SecretBytes& next, db::Database& db,
                             const OnRotation& on_progress) {
    const KeyVault from(current);
    const KeyVault to(next);
    Rotation rotation{.resealed = {}, .key_file = key_file, .old_key_file = old_of(key_file, from)};
    // This fails where the file could not be replaced at the end either.
    if (const Result<void> kept = add_private_name(key_file, rotation.old_key_file);
        !kept.has_value())
        return wrong_place(kept.error().message);
    on_progress({.step = Step::old_key_kept});
    rotation.resealed = TRY(reseal(db, from, to, on_progress));
    on_progress({.step = Step::all_resealed});
    return rotation;
}

// The current key stays, and is its only name again.
Result<void> drop_next(const fs::path& key_file, const SecretBytes& current) {
    TRY(remove_private_file(old_of(key_file, KeyVault(current))));
    return remove_private_file(next_of(key_file));
}

Error other_key_in_the_way(const fs::path& next_file) {
    return Error::invalid(
        next_file.string() +
        " is a key that an earlier rotation made, and this database does not tell whether it is in "
        "use: if no other server uses this master key file, remove it");
}

void tell(std::ostream& out, const RotationProgress& progress) {
    switch (progress.step) {
        case Step::new_key_written:
            out << "A new master key is written.\n";
            break;
        case Step::resealing:
            out << "Sealing keys anew: " << progress.seen << " of " << progress.all << "\n";
            break;
        case Step::all_resealed:
            out << "All are durable.\n";
            break;
        case Step::old_key_kept:
        case Step::new_key_in_force:
            break;
    }
    out.flush();
}

void tell_what_to_do(std::ostream& out, const Rotation& rotation) {
    out << "\nDone: " << rotation.resealed.done
        << " signing keys are sealed with the new key in\n  " << rotation.key_file.string()
        << "\nThe old key is kept as\n  " << rotation.old_key_file.string() << "\n";
    if (rotation.resealed.unreadable > 0)
        out << "\nWARNING: " << rotation.resealed.unreadable
            << " more did not open with the old key, and were left as they are.\n";
    out << "\nWhat to do:\n"
           "  1. Copy the new key to where you keep it apart from backups of the database.\n"
           "  2. Start the server, and make a backup of the database.\n"
           "  3. Move the old key off this machine. Older backups open with the old key only:\n"
           "     keep it as long as you keep them, then destroy both.\n"
           "If somebody got hold of the old key AND of a copy of the database from before, then\n"
           "they have the signing keys, and a new master key does not help: those accounts need\n"
           "new signing keys.\n";
}

int fail(std::ostream& err, const Error& error) {
    err << "roost: " << error.message << "\n";
    return 1;
}

}  // namespace

Result<void> settle_rotation(const StorageConfig& storage, db::Database& db) {
    const fs::path key_file = real_path(storage.master_key_file);
    const fs::path next_file = next_of(key_file);
    const auto next = TRY(read_master_key(next_file));
    if (!next) return {};
    const auto current = TRY(read_master_key(key_file));
    if (TRY(any_opens(db, *next))) {
        if (current) TRY(add_private_name(key_file, old_of(key_file, KeyVault(*current))));
        TRY(move_private_file(next_file, key_file));
        log::warn("finished a rotation of the master key that was cut off",
                  {{"file", key_file.string()}});
    } else if (current && TRY(any_opens(db, *current))) {
        TRY(drop_next(key_file, *current));
        log::warn("undid a rotation of the master key that was cut off: the key is the old one",
                  {{"file", key_file.string()}});
    } else {
        // Perhaps another database's: it is the one file of all that must not be lost.
        log::warn("a new master key lies about, and nothing in this database is sealed with it",
                  {{"file", next_file.string()}});
    }
    return {};
}

Result<Rotation> rotate_master_key(const StorageConfig& storage, db::Database& db,
                                   const OnRotation& on_progress) {
    TRY(check_owner(storage.master_key_file));
    const fs::path key_file = real_path(storage.master_key_file);
    TRY(check_place(key_file, storage));
    TRY(settle_rotation(storage, db));
    const fs::path next_file = next_of(key_file);
    if (fs::exists(next_file)) return other_key_in_the_way(next_file);
    const auto current = TRY(read_master_key(key_file));
    if (!current) return Error::invalid("the master key " + key_file.string() + " is missing");
    const Result<SecretBytes> next = make_master_key(next_file);
    if (!next.has_value()) return wrong_place(next.error().message);
    on_progress({.step = Step::new_key_written});
    const Result<Rotation> rotation = replace_key(key_file, *current, *next, db, on_progress);
    if (!rotation.has_value()) {
        // A refusal was not committed. Asked all the same: it would be the only copy of that key.
        if (!TRY(any_opens(db, *next))) TRY(drop_next(key_file, *current));
        return rotation;
    }
    if (const Result<void> moved = move_private_file(next_file, key_file); !moved.has_value())
        return Error::invalid(moved.error().message + "; the new master key is in force: it is " +
                              next_file.string() + ", and belongs in the place of " +
                              key_file.string());
    on_progress({.step = Step::new_key_in_force});
    return rotation;
}

int run_key_rotation(const StorageConfig& storage, std::ostream& out, std::ostream& err) {
    const fs::path file = storage.database_file();
    if (!fs::exists(file))
        return fail(err, Error::invalid("there is no " + file.string() +
                                        ": name the server's folder in PDS_DATA_DIRECTORY"));
    // Before anything is opened, which would leave files of the wrong owner.
    if (const Result<void> owner = check_owner(storage.master_key_file); !owner.has_value())
        return fail(err, owner.error());
    const auto db = db::Database::open({.path = file.string()});
    if (!db.has_value()) return fail(err, db.error());
    const Result<Rotation> rotation = rotate_master_key(
        storage, **db, [&out](const RotationProgress& progress) { tell(out, progress); });
    if (!rotation.has_value()) return fail(err, rotation.error());
    tell_what_to_do(out, *rotation);
    return 0;
}

}  // namespace roost::app
