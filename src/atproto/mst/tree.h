// A repository's tree as a value: immutable, cheap to copy, and only as much of it in memory as was
// needed. See node.h for what the tree is. Edit (edit.h) makes new trees, cursor.h walks through
// them.
//
// A tree shares its nodes with the trees it was made from. What it lacks it takes from a NodeSource
// given with each call, so it can outlive the database snapshot it was read in. A node is compared
// with its CID and checked strictly for its place when it is loaded: layer, range of keys, order.
// What find() and the proofs load stays in memory, also for the copies; walks keep nothing.
//
// Any thread, also two at a time with copies of one tree, as far as the source allows.
//
// Errors of all that load: those of the source, and Fault::invalid, "InvalidNode".
// https://atproto.com/specs/repository#mst-structure
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/data/block.h"
#include "atproto/data/cid.h"
#include "atproto/mst/node_source.h"
#include "base/result.h"

namespace roost::atproto::mst {

class Link;
class TreeNode;

struct KeyValue {
    std::string key;
    Cid value;
};

// A node that is in memory, to be written somewhere. The place's left key is a view into the tree.
struct NewNode {
    NodePlace place;
    std::uint64_t stamp;
    Bytes bytes;
};

class Tree {
  public:
    Tree();  // the empty one: a single empty node
    // Nothing of it is loaded.
    explicit Tree(const Cid& root, int layer = unknown_layer);

    Cid root() const;
    // Of the root; unknown_layer before it is loaded, if it was not given.
    int layer() const;

    Result<std::optional<Cid>> find(NodeSource& source, std::string_view key) const;

    // The nodes that are newer than that, each before the nodes below it, from left to right. They
    // must be in memory: all that was made by edits of this value is, until it is forgotten.
    // Without a stamp, all that are in memory.
    std::vector<NewNode> new_nodes(std::optional<std::uint64_t> since) const;

    // The nodes that prove which value the key has, or that it has none: the path to it.
    Result<Blocks> proof(NodeSource& source, std::string_view key) const;
    // The nodes that are needed to undo a change of these keys, made in this tree, without the rest
    // of it: the paths to each key and to its neighbours on both sides, each path down to the
    // bottom. Each node once; with `since`, the new nodes as well. In pre-order.
    // https://atproto.com/specs/sync#commit-events, "record operation inversion"
    Result<Blocks> covering_proof(NodeSource& source, std::span<const std::string_view> keys,
                                  std::optional<std::uint64_t> since) const;

    // An estimate of the memory in use, also that shared with other trees. Fast.
    std::size_t loaded_bytes() const;
    // The same tree with at most about bytes_max in memory: forgets the lower layers first, but no
    // node with a stamp above `keep_since`. Takes time for all that is loaded.
    Tree forget(std::uint64_t keep_since, std::size_t bytes_max) const;

  private:
    friend class Edit;
    friend class Cursor;
    friend Result<Tree> build_tree(std::span<const KeyValue> pairs, std::uint64_t stamp);
    struct State;

    explicit Tree(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    // Remembers what it has to load.
    Result<TreeNode*> load_root(NodeSource& source) const;
    Result<TreeNode*> load(const Link& link, int layer, std::string_view left,
                           std::string_view right, NodeSource& source) const;

    std::shared_ptr<const State> state_;
};

// The whole tree at once. The keys must be valid, ascending and unique.
// Errors: Fault::invalid, "InvalidKey"; "NodeTooLarge" (see Edit).
Result<Tree> build_tree(std::span<const KeyValue> pairs, std::uint64_t stamp = 0);

// The nodes of a tree that is wholly in memory, in pre-order.
Blocks nodes_in_memory(const Tree& tree);

}  // namespace roost::atproto::mst
