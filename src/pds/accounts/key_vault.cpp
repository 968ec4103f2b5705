#include "pds/accounts/key_vault.h"

#include <sodium.h>

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/check.h"
#include "base/encoding.h"
#include "base/random.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
// Sealed: format version, curve, nonce, cipher text with tag.
constexpr std::uint8_t format_version = 1;
constexpr std::size_t header_size = 2;
constexpr std::size_t sealed_size =
    header_size + nonce_size + atproto::PrivateKey::raw_size + tag_size;

}  // namespace

// What was opened, by all that opening depends on: the same bytes under the same label are always
// the same key.
class KeyVault::Opened {
  public:
    static std::string name(ByteView sealed, std::string_view did_key) {
        std::string name(sealed.begin(), sealed.end());
        return name.append(did_key);
    }
    std::optional<atproto::PrivateKey> find(const std::string& name) {
        Shard& shard = shard_of(name);
        const std::lock_guard lock(shard.mutex);
        const auto found = shard.keys.find(name);
        return found == shard.keys.end() ? std::nullopt : std::optional(found->second);
    }
    void put(std::string name, const atproto::PrivateKey& key) {
        Shard& shard = shard_of(name);
        const std::lock_guard lock(shard.mutex);
        if (shard.keys.size() >= limits::opened_keys_max / shards_.size()) shard.keys.clear();
        shard.keys.insert_or_assign(std::move(name), key);
    }

  private:
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, atproto::PrivateKey> keys;
    };
    Shard& shard_of(const std::string& name) {
        return shards_[std::hash<std::string>{}(name) % shards_.size()];
    }
    std::array<Shard, 16> shards_;
};

KeyVault::KeyVault(SecretBytes master_key)
    : master_key_(std::move(master_key)), opened_(std::make_unique<Opened>()) {
    check(master_key_.reveal().size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
          "the master key has 32 bytes");
}

KeyVault::KeyVault(KeyVault&&) noexcept = default;
KeyVault::~KeyVault() = default;

Bytes KeyVault::seal(const atproto::PrivateKey& key) const {
    const std::string did_key = key.public_key().did_key();
    const SecretBytes raw = key.reveal_raw();
    Bytes sealed(sealed_size);
    sealed[0] = format_version;
    sealed[1] = key.curve() == atproto::Curve::k256 ? 1 : 2;
    fill_random(std::span(sealed).subspan(header_size, nonce_size));
    const ByteView label = as_bytes(did_key);
    unsigned long long written = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed.data() + header_size + nonce_size, &written, raw.reveal().data(),
        raw.reveal().size(), label.data(), label.size(), nullptr, sealed.data() + header_size,
        master_key_.reveal().data());
    check(written == sealed_size - header_size - nonce_size, "a sealed key has its size");
    return sealed;
}

Result<atproto::PrivateKey> KeyVault::open(ByteView sealed, std::string_view did_key) const {
    std::string name = Opened::name(sealed, did_key);
    if (std::optional<atproto::PrivateKey> known = opened_->find(name)) return *std::move(known);
    atproto::PrivateKey key = TRY(decrypt(sealed, did_key));
    opened_->put(std::move(name), key);
    return key;
}

Result<atproto::PrivateKey> KeyVault::decrypt(ByteView sealed, std::string_view did_key) const {
    const Error failed{Fault::internal, "InternalServerError",
                       "A signing key does not open with this master key; restore the file that "
                       "ROOST_MASTER_KEY_FILE named when the key was made"};
    if (sealed.size() != sealed_size || sealed[0] != format_version) return failed;
    if (sealed[1] != 1 && sealed[1] != 2) return failed;
    Bytes raw(atproto::PrivateKey::raw_size);
    const ByteView label = as_bytes(did_key);
    unsigned long long written = 0;
    const int outcome = crypto_aead_xchacha20poly1305_ietf_decrypt(
        raw.data(), &written, nullptr, sealed.data() + header_size + nonce_size,
        sealed.size() - header_size - nonce_size, label.data(), label.size(),
        sealed.data() + header_size, master_key_.reveal().data());
    if (outcome != 0 || written != raw.size()) return failed;
    const atproto::Curve curve = sealed[1] == 1 ? atproto::Curve::k256 : atproto::Curve::p256;
    Result<atproto::PrivateKey> key =
        atproto::PrivateKey::from_raw(curve, SecretBytes(std::move(raw)));
    // The label is sealed in, the header is not: a changed curve makes another key.
    if (!key.has_value() || key->public_key().did_key() != did_key) return failed;
    return key;
}

std::string KeyVault::id() const {
    constexpr std::string_view purpose = "roost master key";
    std::array<std::uint8_t, crypto_generichash_BYTES> hash{};
    crypto_generichash(hash.data(), hash.size(), as_bytes(purpose).data(), purpose.size(),
                       master_key_.reveal().data(), master_key_.reveal().size());
    return hex_encode(std::span(hash).first<4>());
}

}  // namespace roost::pds
