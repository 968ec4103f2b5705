#include "atproto/mst/tree.h"

#include <algorithm>
#include <array>

#include "atproto/limits.h"
#include "atproto/mst/tree_state.h"
#include "base/check.h"

namespace roost::atproto::mst {

namespace {

// Only through what is in memory; a path is at most mst_layer_max deep.
template <class Visit>
void visit_loaded(const Link& link, std::string_view left, std::optional<std::uint64_t> since,
                  Visit& visit) {
    const TreeNode* const node = link.node();
    if (!node || (since && node->stamp() <= *since)) return;
    visit(NodePlace{link.cid(), node->layer(), left}, *node);
    for (std::size_t i = 0; i <= node->size(); ++i)
        visit_loaded(node->link(i), node->left_of(i, left), since, visit);
}

using BytesByLayer = std::array<std::size_t, limits::mst_layer_max + 1>;

// The link without the nodes below layer_min that are not newer.
Link pruned(const Link& link, int layer_min, std::uint64_t keep_since, std::size_t& kept_bytes) {
    const TreeNode* const node = link.node();
    if (!node) return link;
    if (node->layer() < layer_min && node->stamp() <= keep_since) return Link(link.cid());
    NodePtr copy = node->copy(node->stamp(), TreeNode::Room::none);
    for (std::size_t i = 0; i <= node->size(); ++i)
        if (node->link(i).node())
            copy->mutable_link(i) = pruned(node->link(i), layer_min, keep_since, kept_bytes);
    copy->seal();
    kept_bytes += copy->memory_bytes();
    Link result(link.cid());
    result.remember(copy);
    return result;
}

}  // namespace

Tree::Tree() {
    auto node = std::make_shared<TreeNode>(0, 0);
    const std::size_t memory = node->memory_bytes();
    Link root(Cid::of(Codec::dag_cbor, node->encode()));
    node->seal();
    root.remember(node);
    state_ = std::make_shared<const State>(std::move(root), 0, memory);
}

Tree::Tree(const Cid& root, int layer)
    : state_(std::make_shared<const State>(Link(root), layer, 0)) {}

Cid Tree::root() const {
    return state_->root.cid();
}

int Tree::layer() const {
    return state_->layer.load(std::memory_order_relaxed);
}

std::size_t Tree::loaded_bytes() const {
    return state_->loaded_bytes.load(std::memory_order_relaxed);
}

Result<TreeNode*> Tree::load(const Link& link, int layer, std::string_view left,
                             std::string_view right, NodeSource& source) const {
    if (TreeNode* const node = link.node()) return node;
    LoadedNode loaded = TRY(fetch(link, layer, left, right, source));
    if (link.remember(loaded.node))
        state_->loaded_bytes.fetch_add(loaded.node->memory_bytes(), std::memory_order_relaxed);
    return link.node();
}

Result<TreeNode*> Tree::load_root(NodeSource& source) const {
    TreeNode* const node = TRY(load(state_->root, layer(), "", "", source));
    if (node->is_empty() && !node->link(0).is_absent())
        return Error::invalid("the root of the tree has no keys", "InvalidNode");
    state_->layer.store(node->layer(), std::memory_order_relaxed);
    return node;
}

Result<std::optional<Cid>> Tree::find(NodeSource& source, std::string_view key) const {
    const TreeNode* node = TRY(load_root(source));
    std::string_view left;
    std::string_view right;
    while (true) {
        const std::size_t i = node->lower_bound(key);
        if (i < node->size() && node->key(i) == key) return std::optional<Cid>(node->value(i));
        const Link& link = node->link(i);
        if (link.is_absent()) return std::optional<Cid>();
        left = node->left_of(i, left);
        right = node->right_of(i, right);
        node = TRY(load(link, node->layer() - 1, left, right, source));
    }
}

std::vector<NewNode> Tree::new_nodes(std::optional<std::uint64_t> since) const {
    std::vector<NewNode> nodes;
    auto visit = [&](const NodePlace& place, const TreeNode& node) {
        nodes.push_back({place, node.stamp(), node.encode()});
    };
    visit_loaded(state_->root, "", since, visit);
    return nodes;
}

Tree Tree::forget(std::uint64_t keep_since, std::size_t bytes_max) const {
    BytesByLayer old_bytes{};
    std::size_t total = 0;
    auto visit = [&](const NodePlace&, const TreeNode& node) {
        if (node.stamp() > keep_since)
            total += node.memory_bytes();
        else
            old_bytes[static_cast<std::size_t>(node.layer())] += node.memory_bytes();
    };
    visit_loaded(state_->root, "", std::nullopt, visit);
    int layer_min = limits::mst_layer_max + 1;
    while (layer_min > 0 && total + old_bytes[static_cast<std::size_t>(layer_min - 1)] <= bytes_max)
        total += old_bytes[static_cast<std::size_t>(--layer_min)];
    std::size_t kept_bytes = 0;
    Link root = pruned(state_->root, layer_min, keep_since, kept_bytes);
    return Tree(std::make_shared<const State>(std::move(root), layer(), kept_bytes));
}

Blocks nodes_in_memory(const Tree& tree) {
    Blocks blocks;
    for (NewNode& node : tree.new_nodes(std::nullopt))
        blocks.push_back({node.place.cid, std::move(node.bytes)});
    return blocks;
}

}  // namespace roost::atproto::mst
