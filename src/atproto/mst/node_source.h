// Where the nodes of a tree come from that are not in memory: a store, or the blocks of a CAR file.
#pragma once

#include <cstdint>
#include <string_view>

#include "atproto/data/block.h"
#include "atproto/data/cid.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto::mst {

// The layer of a root that nobody knows yet.
inline constexpr int unknown_layer = -1;

// Which node is meant, and where it stands: a source may find it by either. No two nodes of a tree
// have the same layer and left key.
struct NodePlace {
    Cid cid;
    int layer;              // unknown_layer is possible for a root
    std::string_view left;  // the greatest key before the node's range; "" if there is none
};

struct StoredNode {
    ByteView bytes;  // of the source, until it loads another
    // When the node was made or moved, in the caller's count (a commit's rev). A node's stamp is at
    // least those of the nodes below it.
    std::uint64_t stamp = 0;
};

enum class KeysOf { strangers, this_house };

class NodeSource {
  public:
    virtual ~NodeSource() = default;
    // Errors: Fault::invalid, "MissingBlock". What it returns is not trusted: whoever loads a node
    // compares it with its CID.
    virtual Result<StoredNode> load(const NodePlace& place) = 0;
    // Whether it holds only nodes whose keys were found valid and of one layer before. One that is
    // what its CID says is the one that was looked at, so this is not asked of it again.
    virtual KeysOf keys() const { return KeysOf::strangers; }
};

// For a tree that is wholly in memory.
class NoSource : public NodeSource {
  public:
    Result<StoredNode> load(const NodePlace& place) override;
};

// Blocks found by their CID; of equal ones any. They must outlive it. All stamps are 0.
class BlockSource : public NodeSource {
  public:
    explicit BlockSource(const Blocks& blocks);
    Result<StoredNode> load(const NodePlace& place) override;
    const Block* find(const Cid& cid) const;  // null if absent

  private:
    // Sorted, not hashed: whoever makes the blocks could choose CIDs that fall together.
    std::vector<const Block*> blocks_;
};

}  // namespace roost::atproto::mst
