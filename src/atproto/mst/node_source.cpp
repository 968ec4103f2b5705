#include "atproto/mst/node_source.h"

#include <algorithm>

namespace roost::atproto::mst {

namespace {

Error missing(const Cid& cid) {
    return Error::invalid("a node of the tree is missing: " + cid.text(), "MissingBlock");
}

constexpr auto cid_of = [](const Block* block) -> const Cid& { return block->cid; };

}  // namespace

Result<StoredNode> NoSource::load(const NodePlace& place) {
    return missing(place.cid);
}

BlockSource::BlockSource(const Blocks& blocks) {
    blocks_.reserve(blocks.size());
    for (const Block& block : blocks)
        blocks_.push_back(&block);
    std::ranges::sort(blocks_, {}, cid_of);
}

const Block* BlockSource::find(const Cid& cid) const {
    const auto found = std::ranges::lower_bound(blocks_, cid, {}, cid_of);
    return found != blocks_.end() && (*found)->cid == cid ? *found : nullptr;
}

Result<StoredNode> BlockSource::load(const NodePlace& place) {
    const Block* const block = find(place.cid);
    if (!block) return missing(place.cid);
    return StoredNode{block->bytes, 0};
}

}  // namespace roost::atproto::mst
