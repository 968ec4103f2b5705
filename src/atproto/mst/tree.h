// Building a whole Merkle search tree from its keys. See mst/node.h for what the tree is.
#pragma once

#include <span>
#include <string>

#include "atproto/data/block.h"
#include "atproto/data/cid.h"
#include "base/result.h"

namespace roost::atproto::mst {

struct KeyValue {
    std::string key;
    Cid value;
};

struct Tree {
    Cid root;
    Blocks nodes;  // each node before the nodes below it, left to right; the root first
};

// The keys must be valid, ascending and unique. No keys give the empty tree, a single empty node.
// Errors: Fault::invalid, "InvalidKey".
Result<Tree> build_tree(std::span<const KeyValue> pairs);

}  // namespace roost::atproto::mst
