#include "atproto/repo/car_blocks.h"

#include <algorithm>

namespace roost::atproto {

namespace {

Error missing(const Cid& cid) {
    return Error::invalid("a block is missing: " + cid.text(), "MissingBlock");
}

}  // namespace

CarBlocks::Key CarBlocks::key_of(const Cid& cid) {
    Key key;
    std::copy_n(cid.digest().begin(), key.size(), key.begin());
    return key;
}

Result<void> CarBlocks::feed(ByteView piece) {
    TRY(reader_.feed(piece));
    while (const std::optional<Block> block = TRY(reader_.next()))
        entries_.push_back({.key = key_of(block->cid),
                            .size = static_cast<std::uint32_t>(block->bytes.size()),
                            .offset = reader_.position() - block->bytes.size()});
    return {};
}

Result<void> CarBlocks::finish() {
    TRY(reader_.finish());
    std::ranges::sort(entries_, {}, &Entry::key);
    const auto repeated = std::ranges::unique(entries_, {}, &Entry::key);
    entries_.erase(repeated.begin(), repeated.end());
    return {};
}

Result<Bytes> CarBlocks::find(const Cid& cid) {
    const Key key = key_of(cid);
    const auto found = std::ranges::lower_bound(entries_, key, {}, &Entry::key);
    if (found == entries_.end() || found->key != key) return missing(cid);
    Bytes bytes(found->size);
    TRY(content_.read(found->offset, bytes));
    if (Cid::of(cid.codec(), bytes) != cid) return missing(cid);
    return bytes;
}

Result<mst::StoredNode> CarBlocks::load(const mst::NodePlace& place) {
    loaded_ = TRY(find(place.cid));
    return mst::StoredNode{loaded_};
}

}  // namespace roost::atproto
