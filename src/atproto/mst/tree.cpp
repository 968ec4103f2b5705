#include "atproto/mst/tree.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "atproto/mst/node.h"

namespace roost::atproto::mst {

namespace {

class Builder {
  public:
    explicit Builder(std::span<const KeyValue> pairs) : pairs_(pairs) {
        layers_.reserve(pairs.size());
        for (const KeyValue& pair : pairs)
            layers_.push_back(key_layer(pair.key));
    }

    Tree build() && {
        const int top = layers_.empty() ? 0 : *std::ranges::max_element(layers_);
        const Cid root = build_node(0, pairs_.size(), top);
        return {root, std::move(nodes_)};
    }

  private:
    // The node of the layer that holds the keys from begin to end. Recurses once a layer, and a
    // hash has 128 layers at most.
    Cid build_node(std::size_t begin, std::size_t end, int layer) {
        const std::size_t place = nodes_.size();
        nodes_.push_back({Cid::from_digest(Codec::dag_cbor, {}), {}});
        Node node;
        std::size_t gap_begin = begin;
        for (std::size_t i = begin; i <= end; ++i) {
            if (i < end && layers_[i] < layer) continue;
            if (gap_begin < i) {
                const Cid subtree = build_node(gap_begin, i, layer - 1);
                (node.entries.empty() ? node.left : node.entries.back().right) = subtree;
            }
            if (i < end) node.entries.push_back({pairs_[i].key, pairs_[i].value, std::nullopt});
            gap_begin = i + 1;
        }
        Bytes bytes = encode_node(node);
        const Cid cid = Cid::of(Codec::dag_cbor, bytes);
        nodes_[place] = {cid, std::move(bytes)};
        return cid;
    }

    std::span<const KeyValue> pairs_;
    std::vector<int> layers_;
    Blocks nodes_;
};

}  // namespace

Result<Tree> build_tree(std::span<const KeyValue> pairs) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (!is_valid_key(pairs[i].key))
            return Error::invalid("not a repository path: " + pairs[i].key, "InvalidKey");
        if (i > 0 && pairs[i].key <= pairs[i - 1].key)
            return Error::invalid("the keys are not in order at " + pairs[i].key, "InvalidKey");
    }
    return Builder(pairs).build();
}

}  // namespace roost::atproto::mst
