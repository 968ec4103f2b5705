#include <unordered_set>

#include "atproto/mst/tree.h"
#include "atproto/mst/tree_state.h"

namespace roost::atproto::mst {

namespace {

using NodeSet = std::unordered_set<const TreeNode*>;

// A node of a path, where it stands, and which way the path goes on.
struct Step {
    const TreeNode* node;
    std::size_t index;  // of the link
    std::string_view left;
    std::string_view right;

    const Link& link() const { return node->link(index); }
    std::string_view link_left() const { return node->left_of(index, left); }
    std::string_view link_right() const { return node->right_of(index, right); }
    bool has_key(std::string_view key) const {
        return index < node->size() && node->key(index) == key;
    }
};

void emit(const Link& link, const NodeSet& wanted, std::optional<std::uint64_t> since,
          Blocks& out) {
    const TreeNode* const node = link.node();
    if (!node) return;
    const bool is_new = since && node->stamp() > *since;
    if (!is_new && !wanted.contains(node)) return;
    out.push_back({link.cid(), node->encode()});
    for (std::size_t i = 0; i <= node->size(); ++i)
        emit(node->link(i), wanted, since, out);
}

}  // namespace

Result<Blocks> Tree::proof(NodeSource& source, std::string_view key) const {
    Blocks blocks;
    TreeNode* const root_node = TRY(load_root(source));
    blocks.push_back({root(), root_node->encode()});
    Step step{root_node, root_node->lower_bound(key), "", ""};
    while (!step.has_key(key) && !step.link().is_absent()) {
        const Link& link = step.link();
        const TreeNode* const node =
            TRY(load(link, step.node->layer() - 1, step.link_left(), step.link_right(), source));
        blocks.push_back({link.cid(), node->encode()});
        step = {node, node->lower_bound(key), step.link_left(), step.link_right()};
    }
    return blocks;
}

Result<Blocks> Tree::covering_proof(NodeSource& source, std::span<const std::string_view> keys,
                                    std::optional<std::uint64_t> since) const {
    TreeNode* const root_node = TRY(load_root(source));
    NodeSet wanted;
    // From a step down to the bottom, beside the key: its neighbour is on the way.
    auto descend = [&](Step step, std::string_view key) -> Result<std::optional<Step>> {
        while (true) {
            wanted.insert(step.node);
            if (step.has_key(key)) return std::optional<Step>(step);
            if (step.link().is_absent()) return std::optional<Step>();
            const TreeNode* const node = TRY(load(step.link(), step.node->layer() - 1,
                                                  step.link_left(), step.link_right(), source));
            step = {node, node->lower_bound(key), step.link_left(), step.link_right()};
        }
    };
    for (const std::string_view key : keys) {
        const Step start{root_node, root_node->lower_bound(key), "", ""};
        std::optional<Step> found = TRY(descend(start, key));
        if (!found) continue;
        for (const std::size_t index : {found->index, found->index + 1}) {
            const Link& link = found->node->link(index);
            if (link.is_absent()) continue;
            const std::string_view left = found->node->left_of(index, found->left);
            const std::string_view right = found->node->right_of(index, found->right);
            const TreeNode* const node =
                TRY(load(link, found->node->layer() - 1, left, right, source));
            TRY(descend({node, node->lower_bound(key), left, right}, key));
        }
    }
    Blocks blocks;
    emit(state_->root, wanted, since, blocks);
    return blocks;
}

}  // namespace roost::atproto::mst
