// The low-level functions skip the library's algorithm look-up, which costs more than the hash.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "atproto/crypto/hmac.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

#include "atproto/data/cid.h"

namespace roost::atproto {

namespace {

constexpr std::size_t block_size = 64;
using Block = std::array<std::uint8_t, block_size>;

template <class State>
State hashed_pad(const Block& key_block, std::uint8_t pad) {
    static_assert(sizeof(State) == sizeof(SHA256_CTX) && alignof(State) >= alignof(SHA256_CTX));
    Block padded = key_block;
    for (std::uint8_t& byte : padded)
        byte ^= pad;
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, padded.data(), padded.size());
    State state;
    std::memcpy(&state, &context, sizeof state);
    wipe(padded.data(), padded.size());
    wipe(&context, sizeof context);
    return state;
}

template <class State>
HmacKey::Tag finish(const State& state, ByteView message) {
    SHA256_CTX context;
    std::memcpy(&context, &state, sizeof context);
    SHA256_Update(&context, message.data(), message.size());
    HmacKey::Tag tag;
    SHA256_Final(tag.data(), &context);  // wipes the context
    return tag;
}

}  // namespace

HmacKey::HmacKey(const SecretBytes& key) {
    Block block{};
    const ByteView bytes = key.reveal();
    if (bytes.size() > block_size) {
        const Cid::Digest hash = sha256(bytes);
        std::ranges::copy(hash, block.begin());
    } else {
        std::ranges::copy(bytes, block.begin());
    }
    inner_ = hashed_pad<State>(block, 0x36);
    outer_ = hashed_pad<State>(block, 0x5c);
    wipe(block.data(), block.size());
}

HmacKey::~HmacKey() {
    wipe(&inner_, sizeof inner_);
    wipe(&outer_, sizeof outer_);
}

HmacKey::Tag HmacKey::sign(std::string_view message) const {
    return finish(outer_, finish(inner_, as_bytes(message)));
}

bool HmacKey::verify(std::string_view message, ByteView tag) const {
    return equal_in_constant_time(sign(message), tag);
}

}  // namespace roost::atproto
