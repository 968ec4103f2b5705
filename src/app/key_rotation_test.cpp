#include "app/key_rotation.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/secrets_file.h"
#include "base/run_loop.h"
#include "db/testing.h"
#include "pds/accounts/account_store.h"

namespace roost::app {
namespace {

namespace fs = std::filesystem;
using pds::KeyVault;
using Step = RotationProgress::Step;

constexpr int account_count = 3;

std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// A data directory as a server leaves it: a master key, and accounts with sealed keys.
class KeyRotation : public testing::Test {
  protected:
    KeyRotation() {
        storage_.data_directory = folder_.path();
        storage_.master_key_file = folder_.path() + "/master.key";
        first_key_ = *make_master_key(storage_.master_key_file);
        old_file_ = storage_.master_key_file.string() + ".old-" + KeyVault(first_key_).id();
        next_file_ = storage_.master_key_file.string() + ".next";
        const auto db = open();
        RunLoop loop;
        const auto filled = loop.run(db->write([this](db::Transaction& t) -> Result<void> {
            for (int i = 0; i < account_count; ++i)
                add_account(t, i);
            return {};
        }));
        EXPECT_TRUE(filled.has_value());
    }

    void add_account(db::Transaction& t, int number) {
        const std::string name = "ann" + std::to_string(number);
        const std::int64_t id =
            pds::account_store::insert(t,
                                       {.did = *atproto::Did::parse("did:web:" + name + ".test"),
                                        .handle = *atproto::Handle::parse(name + ".test"),
                                        .email = name + "@example.org",
                                        .password_hash = "hash"},
                                       {1});
        const auto key = atproto::PrivateKey::generate(atproto::Curve::k256);
        pds::key_store::insert(t, id, key, KeyVault(first_key_));
    }
    std::unique_ptr<db::Database> open() const {
        auto db = db::Database::open({.path = storage_.database_file().string()});
        check(db.has_value(), db.has_value() ? "" : db.error().message);
        return *std::move(db);
    }
    Result<Rotation> rotate(const OnRotation& on_progress = [](const RotationProgress&) {}) const {
        const auto db = open();
        return rotate_master_key(storage_, *db, on_progress);
    }
    SecretBytes key_in_force() const {
        auto key = read_master_key(storage_.master_key_file);
        check(key.has_value() && key->has_value(), "there is a master key");
        return **std::move(key);
    }
    int keys_that_open(const SecretBytes& key) const {
        const auto db = open();
        RunLoop loop;
        return *loop.run(db->read([&](db::Transaction& t) -> Result<int> {
            int count = 0;
            db::Rows rows = t.select("SELECT sealed, did_key FROM signing_key");
            while (rows.next())
                count += KeyVault(key).open(rows.bytes(0), rows.text(1)).has_value() ? 1 : 0;
            return count;
        }));
    }
    void settle() const {
        const auto db = open();
        const Result<void> settled = settle_rotation(storage_, *db);
        EXPECT_TRUE(settled.has_value()) << settled.error().message;
    }
    // Rotates in a process of its own that is killed when it tells of this step.
    void rotate_and_die_at(Step step) const {
        const pid_t child = ::fork();
        if (child == 0) {
            (void)rotate([step](const RotationProgress& progress) {
                if (progress.step == step) ::raise(SIGKILL);
            });
            ::_exit(1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    std::pair<int, std::string> run_verb() const { return run_verb(folder_.path()); }
    static std::pair<int, std::string> run_verb(const std::string& folder) {
        std::ostringstream said;
        const app::Run none = [](const Config&, Mode) { return 99; };
        const int status =
            run_command_line({{"key", "rotate", "--data-directory", folder}, {}}, none, said, said);
        return {status, said.str()};
    }

    db::testing::TempFolder folder_;
    StorageConfig storage_;
    SecretBytes first_key_;
    fs::path old_file_, next_file_;
};

TEST_F(KeyRotation, SealsAllKeysWithANewMasterKeyAndKeepsTheOldOne) {
    std::vector<Step> steps;
    const Result<Rotation> rotation =
        rotate([&](const RotationProgress& progress) { steps.push_back(progress.step); });
    ASSERT_TRUE(rotation.has_value()) << rotation.error().message;
    EXPECT_EQ(rotation->resealed.done, account_count);
    EXPECT_EQ(rotation->resealed.unreadable, 0);
    EXPECT_EQ(steps, (std::vector<Step>{Step::new_key_written, Step::old_key_kept, Step::resealing,
                                        Step::all_resealed, Step::new_key_in_force}));
    EXPECT_NE(key_in_force().reveal(), first_key_.reveal());
    EXPECT_EQ(keys_that_open(key_in_force()), account_count);
    EXPECT_EQ(keys_that_open(first_key_), 0);
    EXPECT_EQ(rotation->old_key_file, old_file_);
    EXPECT_EQ((*read_master_key(old_file_))->reveal(), first_key_.reveal());
    EXPECT_FALSE(fs::exists(next_file_));
}

TEST_F(KeyRotation, NothingSealedWithTheOldKeyStaysInTheFiles) {
    std::vector<std::string> sealed;
    {
        const auto db = open();
        RunLoop loop;
        ASSERT_TRUE(loop.run(db->read([&](db::Transaction& t) -> Result<void> {
                            db::Rows rows = t.select("SELECT sealed FROM signing_key");
                            while (rows.next())
                                sealed.emplace_back(rows.bytes(0).begin(), rows.bytes(0).end());
                            return {};
                        }))
                        .has_value());
    }
    const auto found = [&] {
        int count = 0;
        for (const auto& entry : fs::directory_iterator(folder_.path()))
            for (const std::string& bytes : sealed)
                count += content(entry.path()).contains(bytes.substr(2, 32)) ? 1 : 0;
        return count;
    };
    EXPECT_EQ(found(), account_count);
    ASSERT_TRUE(rotate().has_value());
    EXPECT_EQ(found(), 0);
}

TEST_F(KeyRotation, CanBeRepeated) {
    ASSERT_TRUE(rotate().has_value());
    const SecretBytes second = key_in_force();
    const Result<Rotation> again = rotate();
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(keys_that_open(key_in_force()), account_count);
    EXPECT_EQ((*read_master_key(old_file_))->reveal(), first_key_.reveal());
    EXPECT_EQ((*read_master_key(again->old_key_file))->reveal(), second.reveal());
}

TEST_F(KeyRotation, KilledBeforeTheCommitItIsUndone) {
    for (const Step step : {Step::new_key_written, Step::old_key_kept, Step::resealing}) {
        rotate_and_die_at(step);
        EXPECT_TRUE(fs::exists(next_file_));
        settle();
        EXPECT_EQ(key_in_force().reveal(), first_key_.reveal());
        EXPECT_EQ(keys_that_open(first_key_), account_count);
        EXPECT_FALSE(fs::exists(next_file_));
        EXPECT_FALSE(fs::exists(old_file_));
    }
}

TEST_F(KeyRotation, KilledAfterTheCommitItIsFinished) {
    rotate_and_die_at(Step::all_resealed);
    EXPECT_EQ(key_in_force().reveal(), first_key_.reveal());
    EXPECT_EQ(keys_that_open(first_key_), 0) << "the files are behind the database";
    settle();
    EXPECT_EQ(keys_that_open(key_in_force()), account_count);
    EXPECT_EQ((*read_master_key(old_file_))->reveal(), first_key_.reveal());
    EXPECT_FALSE(fs::exists(next_file_));
    settle();
    EXPECT_EQ(keys_that_open(key_in_force()), account_count);
}

TEST_F(KeyRotation, KilledAtTheEndItIsDone) {
    rotate_and_die_at(Step::new_key_in_force);
    settle();
    EXPECT_EQ(keys_that_open(key_in_force()), account_count);
    EXPECT_TRUE(fs::exists(old_file_));
}

TEST_F(KeyRotation, TheNextRotationSettlesTheOneBefore) {
    rotate_and_die_at(Step::all_resealed);
    const Result<Rotation> rotation = rotate();
    ASSERT_TRUE(rotation.has_value()) << rotation.error().message;
    EXPECT_EQ(keys_that_open(key_in_force()), account_count);
    EXPECT_NE(rotation->old_key_file, old_file_);
}

TEST_F(KeyRotation, AKeyThatMayBeAnotherDatabasesIsNotTouched) {
    ASSERT_TRUE(make_master_key(next_file_).has_value());
    const std::string before = content(next_file_);
    fs::remove(storage_.master_key_file);
    ASSERT_TRUE(make_master_key(storage_.master_key_file).has_value());
    settle();  // the database opens with neither
    EXPECT_EQ(content(next_file_), before);
    const Result<Rotation> rotation = rotate();
    ASSERT_FALSE(rotation.has_value());
    EXPECT_TRUE(rotation.error().message.contains(next_file_.string() + " is a key that"));
    EXPECT_EQ(content(next_file_), before);
}

TEST_F(KeyRotation, AWrongMasterKeyChangesNothing) {
    fs::remove(storage_.master_key_file);
    ASSERT_TRUE(make_master_key(storage_.master_key_file).has_value());
    const std::string before = content(storage_.master_key_file);
    const Result<Rotation> rotation = rotate();
    ASSERT_FALSE(rotation.has_value());
    EXPECT_TRUE(rotation.error().message.contains("none of the signing keys"))
        << rotation.error().message;
    EXPECT_EQ(content(storage_.master_key_file), before);
    EXPECT_EQ(keys_that_open(first_key_), account_count);
    EXPECT_FALSE(fs::exists(next_file_));
}

TEST_F(KeyRotation, AFileInTheWayOfTheOldKeyChangesNothing) {
    std::ofstream(old_file_) << std::string(64, 'a');
    fs::permissions(old_file_, fs::perms(0600));
    const Result<Rotation> rotation = rotate();
    ASSERT_FALSE(rotation.has_value());
    EXPECT_TRUE(rotation.error().message.contains("is in the way")) << rotation.error().message;
    EXPECT_EQ(keys_that_open(first_key_), account_count);
    EXPECT_EQ(key_in_force().reveal(), first_key_.reveal());
}

TEST_F(KeyRotation, TheVerbSaysWhatToDo) {
    const auto [status, said] = run_verb();
    EXPECT_EQ(status, 0) << said;
    EXPECT_TRUE(said.contains("Sealing keys anew: 3 of 3\n")) << said;
    EXPECT_TRUE(said.contains("Done: 3 signing keys are sealed with the new key"));
    EXPECT_TRUE(said.contains(old_file_.string() + "\n"));
    EXPECT_TRUE(said.contains("Older backups open with the old key only"));
    EXPECT_FALSE(said.contains("WARNING"));
    EXPECT_FALSE(said.contains(content(old_file_).substr(0, 64)));
    EXPECT_FALSE(said.contains(content(storage_.master_key_file).substr(0, 64)));
    EXPECT_EQ(keys_that_open(key_in_force()), account_count);
}

TEST_F(KeyRotation, TheVerbTellsOfKeysThatDidNotOpen) {
    {
        const auto db = open();
        RunLoop loop;
        ASSERT_TRUE(loop.run(db->write([](db::Transaction& t) -> Result<void> {
                            t.execute("UPDATE signing_key SET sealed = x'00' WHERE account_id = 1");
                            return {};
                        }))
                        .has_value());
    }
    const auto [status, said] = run_verb();
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(said.contains("WARNING: 1 more did not open with the old key")) << said;
}

TEST_F(KeyRotation, TheVerbRefusesWhileAServerRuns) {
    const auto db = open();
    const auto [status, said] = run_verb();
    EXPECT_EQ(status, 1);
    EXPECT_EQ(said, "roost: the folder " + folder_.path() + " is in use by the process with pid " +
                        std::to_string(::getpid()) + "; stop it first\n");
    EXPECT_EQ(key_in_force().reveal(), first_key_.reveal());
    EXPECT_FALSE(fs::exists(next_file_));
}

TEST_F(KeyRotation, TheVerbMakesNothingWhereNoServerWas) {
    const fs::path empty = folder_.path() + "/empty";
    fs::create_directory(empty);
    const auto [status, said] = run_verb(empty.string());
    EXPECT_EQ(status, 1);
    EXPECT_TRUE(said.contains("there is no " + (empty / "roost.sqlite").string())) << said;
    EXPECT_TRUE(fs::is_empty(empty));
    fs::rename(storage_.master_key_file, old_file_);
    EXPECT_TRUE(run_verb().second.contains("master.key is missing"));
}

}  // namespace
}  // namespace roost::app
