#include <array>

#include "atproto/limits.h"
#include "atproto/mst/node.h"
#include "atproto/mst/tree.h"
#include "atproto/mst/tree_state.h"

namespace roost::atproto::mst {

namespace {

// Takes the keys from left to right. At each moment there is one unfinished node a layer, the
// rightmost; a key of a higher layer finishes those below it.
class Builder {
  public:
    explicit Builder(std::uint64_t stamp) : stamp_(stamp) {}

    Result<void> add(const KeyValue& pair) {
        const int layer = key_layer(pair.key);
        if (layer > limits::mst_layer_max)
            return Error::invalid("the key would make the tree too high", "InvalidKey");
        finish_below(layer);
        TreeNode& node = open(layer);
        if (node.size() >= limits::mst_node_entries_max)
            return Error::invalid("a node of the tree would have too many entries", "NodeTooLarge");
        node.insert(node.size(), pair.key, pair.value, Link());
        top_ = std::max(top_, layer);
        return {};
    }
    Link finish() {
        finish_below(top_);
        open(top_);
        return seal(top_);
    }
    int layer() const { return top_; }
    std::size_t memory_bytes() const { return memory_bytes_; }

  private:
    TreeNode& open(int layer) {
        NodePtr& node = nodes_[static_cast<std::size_t>(layer)];
        if (!node) node = std::make_shared<TreeNode>(layer, stamp_);
        return *node;
    }
    void finish_below(int layer) {
        for (int i = 0; i < layer; ++i) {
            if (!nodes_[static_cast<std::size_t>(i)]) continue;
            Link link = seal(i);
            TreeNode& above = open(i + 1);
            above.set_link(above.size(), std::move(link));
        }
    }
    Link seal(int layer) {
        NodePtr node = std::move(nodes_[static_cast<std::size_t>(layer)]);
        node->seal();
        const std::size_t bytes_max = node->encoded_bytes_max();
        if (scratch_.size() < bytes_max) scratch_.resize(2 * bytes_max);
        const std::size_t size = node->encode(scratch_.data());
        Link link(Cid::of(Codec::dag_cbor, ByteView(scratch_).first(size)));
        memory_bytes_ += node->memory_bytes();
        link.remember(node);
        return link;
    }

    std::uint64_t stamp_;
    std::array<NodePtr, limits::mst_layer_max + 1> nodes_;
    int top_ = 0;
    Bytes scratch_;
    std::size_t memory_bytes_ = 0;
};

}  // namespace

Result<Tree> build_tree(std::span<const KeyValue> pairs, std::uint64_t stamp) {
    Builder builder(stamp);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (!is_valid_key(pairs[i].key))
            return Error::invalid("not a repository path: " + pairs[i].key, "InvalidKey");
        if (i > 0 && pairs[i].key <= pairs[i - 1].key)
            return Error::invalid("the keys are not in order at " + pairs[i].key, "InvalidKey");
        TRY(builder.add(pairs[i]));
    }
    Link root = builder.finish();
    return Tree(std::make_shared<const Tree::State>(std::move(root), builder.layer(),
                                                    builder.memory_bytes()));
}

}  // namespace roost::atproto::mst
