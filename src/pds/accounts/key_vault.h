// Seals private keys for the database, so that the database alone is useless to a thief.
//
// XChaCha20-Poly1305 under the master key; the key's own did:key is bound in, so a sealed key moved
// to the row of another does not open. The keys that were opened last are remembered by what was
// opened, so that signing again costs the signature only. Any thread. The master key is 32 bytes
// from a file (app/secrets_file).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "atproto/crypto/keys.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace roost::pds {

class KeyVault {
  public:
    // Exactly 32 bytes: checked.
    explicit KeyVault(SecretBytes master_key);
    KeyVault(KeyVault&&) noexcept;
    ~KeyVault();

    // The label is what the sealed key belongs to: its own did:key.
    Bytes seal(const atproto::PrivateKey& key) const;
    // Fails when the master key is not the one that sealed, or the bytes were changed.
    Result<atproto::PrivateKey> open(ByteView sealed, std::string_view did_key) const;

    // Names the master key without telling it: 8 hex digits of its hash.
    std::string id() const;

  private:
    class Opened;

    Result<atproto::PrivateKey> decrypt(ByteView sealed, std::string_view did_key) const;

    SecretBytes master_key_;
    std::unique_ptr<Opened> opened_;
};

}  // namespace roost::pds
