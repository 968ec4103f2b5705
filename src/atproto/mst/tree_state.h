// What the copies of a Tree share. Private to this room.
#pragma once

#include <atomic>

#include "atproto/mst/tree.h"
#include "atproto/mst/tree_node.h"

namespace roost::atproto::mst {

struct Tree::State {
    State(Link root_link, int root_layer, std::size_t bytes)
        : root(std::move(root_link)), layer(root_layer), loaded_bytes(bytes) {}

    Link root;
    mutable std::atomic<int> layer;
    mutable std::atomic<std::size_t> loaded_bytes;
};

}  // namespace roost::atproto::mst
