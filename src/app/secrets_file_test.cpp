#include "app/secrets_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/private_file.h"
#include "base/encoding.h"
#include "base/random.h"

namespace roost::app {
namespace {

namespace fs = std::filesystem;

class SecretsFile : public testing::Test {
  protected:
    SecretsFile() : folder_(testing::TempDir() + "roost_" + hex_encode(random_bytes(8))) {
        config_.storage.data_directory = folder_ / "data";
        config_.storage.secrets_file = folder_ / "data" / "secrets.json";
        config_.storage.master_key_file = folder_ / "data" / "master.key";
    }
    ~SecretsFile() override { fs::remove_all(folder_); }

    LoadedSecrets load(Accounts accounts) {
        auto loaded = load_or_make_secrets(config_, accounts);
        if (!loaded) {
            ADD_FAILURE() << loaded.error().message;
            return {};
        }
        return std::move(*loaded);
    }
    std::string error(Accounts accounts) {
        const auto loaded = load_or_make_secrets(config_, accounts);
        return loaded ? "" : loaded.error().message;
    }
    static unsigned mode_of(const fs::path& path) {
        struct stat state{};
        EXPECT_EQ(::stat(path.c_str(), &state), 0) << path;
        return state.st_mode & 07777U;
    }
    static std::string content(const fs::path& path) {
        std::ifstream file(path);
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
    void put(const fs::path& path, std::string_view text, fs::perms perms = fs::perms(0600)) {
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
        fs::permissions(path, perms);
    }

    fs::path folder_;
    Config config_;
};

TEST_F(SecretsFile, FirstStartMakesAllAndSaysSo) {
    const LoadedSecrets first = load(Accounts::none);
    EXPECT_EQ(first.made.size(), 5U);
    EXPECT_TRUE(std::ranges::all_of(first.made, [&](const std::string& line) {
        return line.contains(folder_.string()) &&
               !line.contains(first.secrets.admin_password.reveal());
    }));
    EXPECT_EQ(first.secrets.jwt_secret.reveal().size(), 64U);
    EXPECT_EQ(first.secrets.admin_password.reveal().size(), 32U);
    EXPECT_EQ(first.secrets.plc_rotation_key.reveal().size(), 32U);
    EXPECT_EQ(first.secrets.master_key.reveal().size(), 32U);
    EXPECT_NE(first.secrets.jwt_secret.reveal(), first.secrets.dpop_secret.reveal());
    EXPECT_EQ(mode_of(config_.storage.secrets_file), 0600U);
    EXPECT_EQ(mode_of(config_.storage.master_key_file), 0600U);
    EXPECT_EQ(mode_of(config_.storage.data_directory), 0700U);
    EXPECT_EQ(content(config_.storage.master_key_file),
              hex_encode(first.secrets.master_key.reveal()) + "\n");
    for (const auto& entry : fs::directory_iterator(config_.storage.data_directory))
        EXPECT_NE(entry.path().extension(), ".new") << "a draft was left behind";
}

TEST_F(SecretsFile, LaterStartsFindThemAgain) {
    const LoadedSecrets first = load(Accounts::none);
    const LoadedSecrets second = load(Accounts::may_exist);
    EXPECT_TRUE(second.made.empty());
    EXPECT_EQ(second.secrets.jwt_secret.reveal(), first.secrets.jwt_secret.reveal());
    EXPECT_EQ(second.secrets.admin_password.reveal(), first.secrets.admin_password.reveal());
    EXPECT_EQ(second.secrets.dpop_secret.reveal(), first.secrets.dpop_secret.reveal());
    EXPECT_EQ(second.secrets.plc_rotation_key.reveal(), first.secrets.plc_rotation_key.reveal());
    EXPECT_EQ(second.secrets.master_key.reveal(), first.secrets.master_key.reveal());
    EXPECT_EQ(*kept_secrets(config_.storage),
              (std::vector<std::string>{"PDS_ADMIN_PASSWORD", "PDS_DPOP_SECRET", "PDS_JWT_SECRET",
                                        "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX"}));
}

TEST_F(SecretsFile, WhatIsGivenIsNotMadeAndNotKept) {
    config_.secrets.jwt_secret = SecretText("given-jwt");
    config_.secrets.plc_rotation_key_hex = SecretText(std::string(63, '0') + "7");
    const LoadedSecrets loaded = load(Accounts::none);
    EXPECT_EQ(loaded.secrets.jwt_secret.reveal(), "given-jwt");
    EXPECT_EQ(loaded.secrets.plc_rotation_key.reveal().back(), 7);
    EXPECT_FALSE(content(config_.storage.secrets_file).contains("given-jwt"));
    EXPECT_EQ(*kept_secrets(config_.storage),
              (std::vector<std::string>{"PDS_ADMIN_PASSWORD", "PDS_DPOP_SECRET"}));
}

TEST_F(SecretsFile, AGivenOneWinsOverAKeptOne) {
    const LoadedSecrets first = load(Accounts::none);
    config_.secrets.admin_password = SecretText("other");
    EXPECT_EQ(load(Accounts::may_exist).secrets.admin_password.reveal(), "other");
    config_.secrets.admin_password = SecretText();
    EXPECT_EQ(load(Accounts::may_exist).secrets.admin_password.reveal(),
              first.secrets.admin_password.reveal());
}

TEST_F(SecretsFile, KeysOfAccountsAreNeverReplaced) {
    (void)load(Accounts::none);
    fs::remove(config_.storage.master_key_file);
    EXPECT_TRUE(error(Accounts::may_exist).contains("master.key is missing"));
    EXPECT_FALSE(fs::exists(config_.storage.master_key_file));
    (void)load(Accounts::none);

    fs::remove(config_.storage.secrets_file);
    EXPECT_TRUE(error(Accounts::may_exist).contains("PLC rotation key is neither"));
    EXPECT_FALSE(fs::exists(config_.storage.secrets_file));
}

TEST_F(SecretsFile, ALostSessionSecretIsMadeAgain) {
    config_.secrets.plc_rotation_key_hex = SecretText(std::string(63, '0') + "7");
    (void)load(Accounts::none);
    fs::remove(config_.storage.secrets_file);
    EXPECT_EQ(load(Accounts::may_exist).made.size(), 3U);
}

TEST_F(SecretsFile, WiderPermissionsAreRefusedWithWhatToDo) {
    (void)load(Accounts::none);
    for (const fs::path& path : {config_.storage.secrets_file, config_.storage.master_key_file})
        for (const unsigned mode : {0640U, 0604U, 0620U, 0660U, 0644U, 0777U}) {
            fs::permissions(path, fs::perms(mode));
            const std::string message = error(Accounts::may_exist);
            EXPECT_TRUE(message.contains("run chmod 600 " + path.string())) << message;
            fs::permissions(path, fs::perms(0600));
        }
    EXPECT_EQ(error(Accounts::may_exist), "");
}

TEST_F(SecretsFile, DamagedFilesAreRefusedAndLeftAlone) {
    const std::vector<std::string> wrong = {
        "",
        "{",
        "[]",
        "null",
        R"({"PDS_JWT_SECRET": 5})",
        R"({"PDS_ADMIN_PASWORD": "x"})",
        R"({"PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX": "12"})",
        R"({"PDS_JWT_SECRET": "a", "PDS_JWT_SECRET": "b"})"};
    for (const std::string& text : wrong) {
        put(config_.storage.secrets_file, text);
        EXPECT_TRUE(error(Accounts::none).contains("secrets.json")) << text;
        EXPECT_EQ(content(config_.storage.secrets_file), text);
    }
    fs::remove(config_.storage.secrets_file);
    for (const std::string& text : {std::string(), std::string(62, 'a'), std::string(66, 'a'),
                                    std::string(64, 'g'), std::string(64, 'a') + "\n\n"}) {
        put(config_.storage.master_key_file, text);
        EXPECT_TRUE(error(Accounts::none).contains("master.key")) << text;
        EXPECT_EQ(content(config_.storage.master_key_file), text);
    }
}

TEST_F(SecretsFile, TheMasterKeyCanLiveElsewhere) {
    config_.storage.master_key_file = folder_ / "elsewhere" / "key";
    put(config_.storage.master_key_file, std::string(64, 'A'));  // as written by hand: no new line
    EXPECT_EQ(load(Accounts::none).secrets.master_key.reveal(), Bytes(32, 0xAA));
    EXPECT_FALSE(fs::exists(config_.storage.data_directory / "master.key"));
}

TEST_F(SecretsFile, AFileThatIsNoneIsRefused) {
    fs::create_directories(config_.storage.master_key_file);
    EXPECT_TRUE(error(Accounts::none).contains("is not a regular file"));
    fs::remove(config_.storage.master_key_file);
    put(config_.storage.master_key_file, std::string(70'000, 'a'));
    EXPECT_TRUE(error(Accounts::none).contains("larger than 64 KiB"));
}

TEST_F(SecretsFile, ADraftOfACutOffStartIsNoObstacle) {
    put(config_.storage.data_directory / "secrets.json.new", "half");
    put(config_.storage.data_directory / "master.key.new", "half");
    EXPECT_EQ(load(Accounts::none).made.size(), 5U);
    EXPECT_FALSE(fs::exists(config_.storage.data_directory / "secrets.json.new"));
    EXPECT_FALSE(fs::exists(config_.storage.data_directory / "master.key.new"));
}

TEST_F(SecretsFile, APresentFileIsNotOverwrittenWhenThatIsRefused) {
    const fs::path path = folder_ / "key";
    put(path, "old");
    EXPECT_FALSE(write_private_file(path, "new", IfPresent::refuse).has_value());
    EXPECT_EQ(content(path), "old");
    EXPECT_FALSE(fs::exists(folder_ / "key.new"));
    EXPECT_TRUE(write_private_file(path, "new", IfPresent::replace).has_value());
    EXPECT_EQ(content(path), "new");
}

TEST_F(SecretsFile, AFolderThatCannotBeMadeIsNamed) {
    put(folder_ / "data", "a file");
    EXPECT_TRUE(error(Accounts::none).contains((folder_ / "data").string()));
}

}  // namespace
}  // namespace roost::app
