#include "pds/accounts/password_hash.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <array>

#include "base/check.h"
#include "base/encoding.h"
#include "base/random.h"
#include "pds/accounts/hash_memory.h"

namespace roost::pds {

namespace {

constexpr unsigned long long argon2_passes = 2;
constexpr std::size_t argon2_memory_bytes = HashMemory::bytes;

// The reference's parameters: N = 2^14, r = 8, p = 1, 64 bytes; the salt is the text of its hex.
bool matches_scrypt(const SecretText& password, std::string_view hash) {
    const std::size_t colon = hash.find(':');
    const std::optional<Bytes> expected = hex_decode(hash.substr(colon + 1));
    if (!expected || expected->size() != 64) return false;
    const std::string_view salt = hash.substr(0, colon);
    std::array<std::uint8_t, 64> derived{};
    const int outcome =
        EVP_PBE_scrypt(password.reveal().data(), password.reveal().size(), as_bytes(salt).data(),
                       salt.size(), 1 << 14, 8, 1, 64UL << 20, derived.data(), derived.size());
    check(outcome == 1, "scrypt has its memory");
    return equal_in_constant_time(derived, *expected);
}

}  // namespace

std::string hash_password(const SecretText& password) {
    std::array<char, crypto_pwhash_STRBYTES> text{};
    const int outcome =
        crypto_pwhash_str_alg(text.data(), password.reveal().data(), password.reveal().size(),
                              argon2_passes, argon2_memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
    if (outcome != 0) throw std::bad_alloc();
    return text.data();
}

PasswordMatch verify_password(const SecretText& password, std::string_view hash) {
    if (!hash.starts_with("$argon2")) {
        if (hash.find(':') == std::string_view::npos) return PasswordMatch::no;
        return matches_scrypt(password, hash) ? PasswordMatch::yes_but_rehash : PasswordMatch::no;
    }
    if (hash.size() >= crypto_pwhash_STRBYTES) return PasswordMatch::no;
    std::array<char, crypto_pwhash_STRBYTES> text{};
    hash.copy(text.data(), hash.size());
    if (crypto_pwhash_str_verify(text.data(), password.reveal().data(), password.reveal().size()) !=
        0)
        return PasswordMatch::no;
    const bool is_current =
        crypto_pwhash_str_needs_rehash(text.data(), argon2_passes, argon2_memory_bytes) == 0;
    return is_current ? PasswordMatch::yes : PasswordMatch::yes_but_rehash;
}

const std::string& decoy_hash() {
    // Nobody's hash: random where a real one has salt and result, so verifying it costs the same.
    static const std::string hash = "$argon2id$v=19$m=19456,t=2,p=1$" +
                                    base64_encode_unpadded(random_bytes(16)) + "$" +
                                    base64_encode_unpadded(random_bytes(32));
    return hash;
}

}  // namespace roost::pds
