// A node of a repository's Merkle search tree, and its one encoding.
//
// A repository maps keys, "collection/rkey", to the CIDs of records. The hash of a key fixes the
// layer of the tree where it lives: one layer up for each two leading zero bits, so a layer holds a
// quarter of the keys of the layer below. A node is a run of neighbouring keys of its layer;
// between them, and at both ends, hang the nodes of the layer below that hold the keys between. So
// the same keys make the same tree, whatever the order in which they came.
//
// In the encoding each key leaves out what it shares with the key before it.
// https://atproto.com/specs/repository#mst-structure
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/data/cid.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto::mst {

// "collection/rkey" in the characters that the specification allows, at most
// limits::mst_key_bytes_max.
bool is_valid_key(std::string_view key);
// The layer of a key, 0 at the bottom: leading zero bits of its SHA-256, in pairs.
int key_layer(std::string_view key);

struct NodeEntry {
    std::string key;
    Cid value;
    std::optional<Cid> right;  // the subtree between this key and the next

    friend bool operator==(const NodeEntry&, const NodeEntry&) = default;
};

struct Node {
    std::optional<Cid> left;  // the subtree before the first key
    std::vector<NodeEntry> entries;

    friend bool operator==(const Node&, const Node&) = default;
};

// The entries must be as decode_node() would accept them.
Bytes encode_node(const Node& node);
// Strict: only what encode_node() writes. Keys are valid, ascending, of one layer, and share their
// whole common prefix; links to nodes are dag-cbor; at most limits::mst_node_entries_max entries.
// What needs other nodes to judge (that subtrees are in range and one layer down) is not judged
// here. Errors: Fault::invalid, "InvalidNode".
Result<Node> decode_node(ByteView bytes);

}  // namespace roost::atproto::mst
