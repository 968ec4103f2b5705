// SHA-256 of what comes in pieces. A value, on one thread at a time; for what is whole already,
// sha256() in data/cid.h.
#pragma once

#include <array>
#include <cstddef>

#include "atproto/data/cid.h"
#include "base/bytes.h"

namespace roost::atproto {

class Sha256 {
  public:
    Sha256();
    void update(ByteView piece);
    // Of all pieces; nothing may follow.
    Cid::Digest finish();

  private:
    // As the library lays it out.
    alignas(8) std::array<std::byte, 112> state_;
};

}  // namespace roost::atproto
