// The low-level functions skip the library's algorithm look-up.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "atproto/crypto/sha256.h"

#include <openssl/sha.h>

#include <new>

namespace roost::atproto {

namespace {

SHA256_CTX& context(std::array<std::byte, 112>& state) {
    static_assert(sizeof(SHA256_CTX) == sizeof(state) && alignof(SHA256_CTX) <= 8);
    return *std::launder(reinterpret_cast<SHA256_CTX*>(state.data()));
}

}  // namespace

Sha256::Sha256() {
    SHA256_Init(new (state_.data()) SHA256_CTX);
}

void Sha256::update(ByteView piece) {
    SHA256_Update(&context(state_), piece.data(), piece.size());
}

Cid::Digest Sha256::finish() {
    Cid::Digest digest;
    SHA256_Final(digest.data(), &context(state_));
    return digest;
}

}  // namespace roost::atproto
