#include "app/secrets_file.h"

#include <algorithm>
#include <array>
#include <map>

#include "app/private_file.h"
#include "app/settings.h"
#include "atproto/data/json.h"
#include "base/encoding.h"
#include "base/random.h"

namespace roost::app {

namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t password_bytes = 16;  // 128 bit: nobody guesses it, a person can paste it

constexpr std::string_view jwt_secret = "PDS_JWT_SECRET";
constexpr std::string_view admin_password_name = "PDS_ADMIN_PASSWORD";
constexpr std::string_view dpop_secret = "PDS_DPOP_SECRET";
constexpr std::string_view rotation_key = "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX";
constexpr std::array names = {jwt_secret, admin_password_name, dpop_secret, rotation_key};

using Kept = std::map<std::string, SecretText, std::less<>>;

Error wrong_file(const std::filesystem::path& path, std::string_view what) {
    return Error::invalid(path.string() + " " + std::string(what) +
                          ": restore it from a backup, or remove what is wrong by hand");
}

Result<Kept> read_kept(const std::filesystem::path& path) {
    const auto content = TRY(read_private_file(path));
    Kept kept;
    if (!content) return kept;
    auto value = atproto::json::parse(content->reveal());
    if (!value) return wrong_file(path, "is not JSON");
    auto* members = std::get_if<atproto::Object>(&value->variant());
    if (members == nullptr) return wrong_file(path, "is not a JSON object");
    for (const auto& [name, member] : *members) {
        if (std::ranges::find(names, name) == names.end())
            return wrong_file(path, "holds \"" + name + "\", which roost does not know");
        const auto* text = member.as<std::string>();
        if (text == nullptr || expectation_unless_valid(find_setting(name)->kind, *text))
            return wrong_file(path, "holds a wrong value for " + name);
        kept[name] = SecretText(*text);
    }
    return kept;
}

Result<void> write_kept(const std::filesystem::path& path, const Kept& kept) {
    std::string content = "{";
    for (const auto& [name, value] : kept) {
        content += content.size() > 1 ? ",\n  " : "\n  ";
        atproto::json::append_string(content, name);
        content += ": ";
        atproto::json::append_string(content, value.reveal());
    }
    const SecretText whole(content + "\n}\n");
    wipe(content.data(), content.size());
    return write_private_file(path, whole.reveal(), IfPresent::replace);
}

SecretText make_secret(std::string_view name) {
    const std::size_t bytes = name == admin_password_name ? password_bytes : key_bytes;
    while (true) {
        SecretText made(hex_encode(random_bytes(bytes)));
        // A rotation key must be below the order of the curve; all but one in 2^128 are.
        if (!expectation_unless_valid(find_setting(name)->kind, made.reveal())) return made;
    }
}

Result<SecretBytes> parse_master_key(const std::filesystem::path& path, const SecretText& content) {
    std::string_view digits = content.reveal();
    if (digits.ends_with('\n')) digits.remove_suffix(1);
    auto key = hex_decode(digits);
    if (!key || key->size() != key_bytes)
        return wrong_file(path, "is not a master key of 64 hex digits");
    return SecretBytes(std::move(*key));
}

Result<SecretBytes> load_or_make_master_key(const std::filesystem::path& path, Accounts accounts,
                                            std::vector<std::string>& made) {
    if (auto key = TRY(read_master_key(path))) return *std::move(key);
    if (accounts == Accounts::may_exist)
        return Error::invalid(
            "the master key " + path.string() +
            " is missing, and the accounts' signing keys cannot be read without it: restore "
            "it from where you keep it, or point ROOST_MASTER_KEY_FILE to it");
    if (path.has_parent_path()) TRY(make_private_directory(path.parent_path()));
    SecretBytes key = TRY(make_master_key(path));
    made.push_back("master key in " + path.string());
    return key;
}

}  // namespace

Result<std::optional<SecretBytes>> read_master_key(const std::filesystem::path& path) {
    const auto content = TRY(read_private_file(path));
    if (!content) return std::optional<SecretBytes>();
    return std::optional(TRY(parse_master_key(path, *content)));
}

Result<SecretBytes> make_master_key(const std::filesystem::path& path) {
    const SecretBytes key(random_bytes(key_bytes));
    const SecretText text(hex_encode(key.reveal()) + "\n");
    TRY(write_private_file(path, text.reveal(), IfPresent::refuse));
    auto kept = TRY(read_master_key(path));  // what counts is what is on the disk
    if (!kept) return wrong_file(path, "vanished after it was written");
    return *std::move(kept);
}

Result<std::vector<std::string>> kept_secrets(const StorageConfig& storage) {
    const Kept kept = TRY(read_kept(storage.secrets_file));
    std::vector<std::string> list;
    for (const auto& [name, value] : kept)
        list.push_back(name);
    return list;
}

Result<SecretText> admin_password(const Config& config) {
    if (!config.secrets.admin_password.empty()) return config.secrets.admin_password;
    const Kept kept = TRY(read_kept(config.storage.secrets_file));
    const auto found = kept.find(admin_password_name);
    return found == kept.end() ? SecretText() : found->second;
}

Result<LoadedSecrets> load_or_make_secrets(const Config& config, Accounts accounts) {
    const std::filesystem::path& path = config.storage.secrets_file;
    Kept kept = TRY(read_kept(path));
    LoadedSecrets loaded;
    const auto from = [&](std::string_view name, const SecretText& given) {
        if (!given.empty()) return given;
        if (const auto found = kept.find(name); found != kept.end()) return found->second;
        loaded.made.push_back(std::string(name) + " in " + path.string());
        return kept[std::string(name)] = make_secret(name);
    };
    const GivenSecrets& given = config.secrets;
    if (accounts == Accounts::may_exist && given.plc_rotation_key_hex.empty() &&
        !kept.contains(rotation_key))
        return Error::invalid("the PLC rotation key is neither in " + std::string(rotation_key) +
                              " nor in " + path.string() +
                              ", but accounts exist that it controls: restore it");
    Secrets& secrets = loaded.secrets;
    secrets.jwt_secret = from(jwt_secret, given.jwt_secret);
    secrets.admin_password = from(admin_password_name, given.admin_password);
    secrets.dpop_secret = from(dpop_secret, given.dpop_secret);
    const SecretText rotation_hex = from(rotation_key, given.plc_rotation_key_hex);
    if (!loaded.made.empty()) {
        TRY(make_private_directory(config.storage.data_directory));
        TRY(write_kept(path, kept));
    }
    auto rotation = hex_decode(rotation_hex.reveal());
    if (!rotation) return wrong_file(path, "holds a wrong rotation key");
    secrets.plc_rotation_key = SecretBytes(std::move(*rotation));
    secrets.master_key =
        TRY(load_or_make_master_key(config.storage.master_key_file, accounts, loaded.made));
    return loaded;
}

}  // namespace roost::app
