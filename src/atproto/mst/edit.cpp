#include "atproto/mst/edit.h"

#include "atproto/limits.h"
#include "atproto/mst/node.h"
#include "atproto/mst/tree_state.h"
#include "base/check.h"

namespace roost::atproto::mst {

namespace {

Error too_large() {
    return Error::invalid("a node of the tree would have more than " +
                              std::to_string(limits::mst_node_entries_max) + " entries",
                          "NodeTooLarge");
}

// Without keys and without a subtree.
bool is_bare(const TreeNode& node) {
    return node.is_empty() && node.link(0).is_absent();
}

}  // namespace

Edit::Edit(Tree tree, std::uint64_t stamp, Moves moves)
    : base_(std::move(tree)), stamp_(stamp), moves_(moves), root_(base_.state_->root) {}

Result<TreeNode*> Edit::load(const Link& link, int layer, Bounds bounds, NodeSource& source) {
    return base_.load(link, layer, bounds.left, bounds.right, source);
}

NodePtr Edit::draft(int layer) {
    return std::make_shared<TreeNode>(layer, stamp_);
}

// A node of the tree before that is no longer part of this one.
void Edit::drop(const TreeNode& node) {
    if (node.is_sealed()) dropped_bytes_ += node.memory_bytes();
}

TreeNode& Edit::own(Link& link) {
    TreeNode* const node = link.node();
    check(node != nullptr, "a node that is changed is loaded");
    if (!node->is_sealed()) return *node;
    drop(*node);
    link = Link(node->copy(stamp_, TreeNode::Room::one_more));
    return *link.node();
}

void Edit::leave(int layer, std::string_view left) {
    if (moves_ == Moves::tracked) left_places_.push_back({layer, std::string(left)});
}

// Fills path_ from the root to where the key is, or would be in that layer; true if it is there.
Result<bool> Edit::locate(NodeSource& source, std::string_view key, int layer) {
    path_.clear();
    if (!root_.node()) {
        TRY(base_.load_root(source));
        root_ = base_.state_->root;
    }
    TreeNode* node = root_.node();
    Bounds bounds{"", ""};
    while (true) {
        const std::size_t i = node->lower_bound(key);
        path_.push_back({node, i, bounds.left, bounds.right});
        if (i < node->size() && node->key(i) == key) return true;
        const Link& link = node->link(i);
        if (node->layer() <= layer || link.is_absent()) return false;
        bounds = {node->left_of(i, bounds.left), node->right_of(i, bounds.right)};
        node = TRY(load(link, node->layer() - 1, bounds, source));
    }
}

// Makes drafts of the nodes of path_. Its bounds stay views into the nodes, drafts or not.
void Edit::own_path() {
    Link* link = &root_;
    Bounds bounds{"", ""};
    for (Step& step : path_) {
        step = {&own(*link), step.index, bounds.left, bounds.right};
        bounds = {step.node->left_of(step.index, bounds.left),
                  step.node->right_of(step.index, bounds.right)};
        if (&step != &path_.back()) link = &step.node->mutable_link(step.index);
    }
}

// Empty nodes above the link, so that it can stand in a node of to_layer + 1.
Link Edit::raise(Link link, int from_layer, int to_layer) {
    for (int layer = from_layer + 1; layer <= to_layer && !link.is_absent(); ++layer) {
        NodePtr node = draft(layer);
        node->set_link(0, std::move(link));
        link = Link(std::move(node));
    }
    return link;
}

// Cuts a subtree in two where the key would be. If all of it is after the key, its leftmost nodes
// change their place.
Result<Edit::Halves> Edit::split(Link link, int layer, std::string_view key, Bounds bounds,
                                 NodeSource& source) {
    if (link.is_absent()) return Halves{};
    const TreeNode& node = *TRY(load(link, layer, bounds, source));
    const std::size_t i = node.lower_bound(key);
    Halves halves =
        TRY(split(node.link(i), layer - 1, key,
                  {node.left_of(i, bounds.left), node.right_of(i, bounds.right)}, source));
    const bool has_before = i > 0 || !halves.before.is_absent();
    const bool has_after = i < node.size() || !halves.after.is_absent();
    if (!has_after) return Halves{std::move(link), Link()};
    if (!has_before) {
        if (moves_ == Moves::ignored) return Halves{Link(), std::move(link)};
        leave(layer, bounds.left);
        own(link).set_link(0, std::move(halves.after));
        return Halves{Link(), std::move(link)};
    }
    drop(node);
    NodePtr before = draft(layer);
    before->set_link(0, node.link(0));
    before->append(node, 0, i);
    before->set_link(i, std::move(halves.before));
    NodePtr after = draft(layer);
    after->set_link(0, std::move(halves.after));
    after->append(node, i, node.size());
    return Halves{Link(std::move(before)), Link(std::move(after))};
}

// The leftmost nodes of a subtree that loses the key before it.
Result<Link> Edit::move_left(Link link, int layer, std::string_view from, std::string_view right,
                             NodeSource& source) {
    if (link.is_absent() || moves_ == Moves::ignored) return link;
    const TreeNode& node = *TRY(load(link, layer, {from, right}, source));
    Link first = TRY(move_left(node.link(0), layer - 1, from, node.right_of(0, right), source));
    leave(layer, from);
    own(link).set_link(0, std::move(first));
    return link;
}

// Joins two subtrees that only the key stood between.
Result<Link> Edit::merge(Link a, Link b, int layer, std::string_view key, Bounds bounds,
                         NodeSource& source) {
    if (b.is_absent()) return a;
    if (a.is_absent()) return move_left(std::move(b), layer, key, bounds.right, source);
    const TreeNode& first = *TRY(load(a, layer, {bounds.left, key}, source));
    const TreeNode& second = *TRY(load(b, layer, {key, bounds.right}, source));
    if (first.size() + second.size() > limits::mst_node_entries_max) return too_large();
    Link middle = TRY(merge(
        first.link(first.size()), second.link(0), layer - 1, key,
        {first.left_of(first.size(), bounds.left), second.right_of(0, bounds.right)}, source));
    leave(layer, key);
    drop(second);
    TreeNode& joined = own(a);
    joined.set_link(joined.size(), std::move(middle));
    joined.append(second, 0, second.size());
    return a;
}

Result<void> Edit::raise_root(NodeSource& source, std::string_view key, int layer,
                              const Cid& value) {
    if (layer > limits::mst_layer_max)
        return Error::invalid("the key would make the tree too high", "InvalidKey");
    const int old_layer = root_.node()->layer();
    Halves halves;
    if (is_bare(*root_.node())) {
        drop(*root_.node());
        leave(old_layer, "");
    } else {
        halves = TRY(split(std::move(root_), old_layer, key, {"", ""}, source));
    }
    NodePtr node = draft(layer);
    node->set_link(0, raise(std::move(halves.before), old_layer, layer - 1));
    node->insert(0, key, value, raise(std::move(halves.after), old_layer, layer - 1));
    root_ = Link(std::move(node));
    return {};
}

Result<std::optional<Cid>> Edit::set(NodeSource& source, std::string_view key, const Cid& value) {
    if (!is_valid_key(key))
        return Error::invalid("not a repository path: " + std::string(key), "InvalidKey");
    const int layer = key_layer(key);
    if (TRY(locate(source, key, layer))) {
        const Step& last = path_.back();
        const Cid before = last.node->value(last.index);
        if (before == value) return std::optional<Cid>(before);
        own_path();
        path_.back().node->set_value(path_.back().index, value);
        return std::optional<Cid>(before);
    }
    if (path_.back().node->layer() < layer) {
        TRY(raise_root(source, key, layer, value));
        return std::optional<Cid>();
    }
    if (path_.back().node->layer() == layer &&
        path_.back().node->size() >= limits::mst_node_entries_max)
        return too_large();
    own_path();
    const Step& last = path_.back();
    TreeNode& node = *last.node;
    if (node.layer() > layer) {
        NodePtr leaf = draft(layer);
        leaf->insert(0, key, value, Link());
        node.set_link(last.index, raise(Link(std::move(leaf)), layer, node.layer() - 1));
        return std::optional<Cid>();
    }
    const Bounds bounds{node.left_of(last.index, last.left), node.right_of(last.index, last.right)};
    Halves halves = TRY(split(node.link(last.index), layer - 1, key, bounds, source));
    node.set_link(last.index, std::move(halves.before));
    node.insert(last.index, key, value, std::move(halves.after));
    return std::optional<Cid>();
}

Result<std::optional<Cid>> Edit::erase(NodeSource& source, std::string_view key) {
    if (!TRY(locate(source, key, 0))) return std::optional<Cid>();
    own_path();
    const Step last = path_.back();
    TreeNode& node = *last.node;
    const Cid before = node.value(last.index);
    const Bounds bounds{node.left_of(last.index, last.left),
                        node.right_of(last.index + 1, last.right)};
    Link joined = TRY(merge(node.link(last.index), node.link(last.index + 1), node.layer() - 1, key,
                            bounds, source));
    node.erase(last.index);
    node.set_link(last.index, std::move(joined));
    prune_path();
    return std::optional<Cid>(before);
}

// Takes away nodes at the end of the path that hold nothing. The root stays.
void Edit::prune_path() {
    while (path_.size() > 1) {
        const Step& last = path_.back();
        if (!is_bare(*last.node)) return;
        leave(last.node->layer(), last.left);
        path_.pop_back();
        path_.back().node->set_link(path_.back().index, Link());
    }
}

void Edit::seal_node(Link& link) {
    TreeNode& node = *link.node();
    for (std::size_t i = 0; i <= node.size(); ++i) {
        const TreeNode* const below = node.link(i).node();
        if (below && !below->is_sealed()) seal_node(node.mutable_link(i));
    }
    if (scratch_.size() < node.encoded_bytes_max()) scratch_.resize(2 * node.encoded_bytes_max());
    const std::size_t size = node.encode(scratch_.data());
    link.set_cid(Cid::of(Codec::dag_cbor, ByteView(scratch_).first(size)));
    node.seal();
    new_bytes_ += node.memory_bytes();
}

Result<Tree> Edit::seal(NodeSource& source) {
    if (!root_.node()) return base_;  // nothing was asked of it
    // A root without keys is not needed, unless it is all there is.
    while (root_.node()->is_empty() && !root_.node()->link(0).is_absent()) {
        const TreeNode& node = *root_.node();
        TRY(load(node.link(0), node.layer() - 1, {"", ""}, source));
        leave(node.layer(), "");
        drop(node);
        root_ = Link(node.link(0));
    }
    if (is_bare(*root_.node()) && root_.node()->layer() > 0) {
        leave(root_.node()->layer(), "");
        root_ = Link(draft(0));
    }
    if (!root_.node()->is_sealed()) seal_node(root_);
    const std::size_t bytes = base_.loaded_bytes() + new_bytes_;
    const int layer = root_.node()->layer();
    return Tree(std::make_shared<const Tree::State>(
        std::move(root_), layer, bytes > dropped_bytes_ ? bytes - dropped_bytes_ : 0));
}

}  // namespace roost::atproto::mst
