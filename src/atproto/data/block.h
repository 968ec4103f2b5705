// A block: bytes and the CID that is their hash. What repositories and CAR files are made of.
#pragma once

#include <vector>

#include "atproto/data/cid.h"
#include "base/bytes.h"

namespace roost::atproto {

struct Block {
    Cid cid;
    Bytes bytes;

    friend bool operator==(const Block&, const Block&) = default;
};
using Blocks = std::vector<Block>;

}  // namespace roost::atproto
