// A batch of changes to a tree, which ends in a new tree. Nodes on the changed paths are copied
// once and encoded and hashed once, when the batch is sealed; all others are shared with the tree
// before.
//
//     Edit edit(tree, stamp, Moves::tracked);
//     std::optional<Cid> before = TRY(edit.set(source, key, cid));
//     …
//     Tree after = TRY(edit.seal(source));
//
// Belongs to one thread. After an error the edit is to be thrown away: it may be half done. The
// tree it began with is as it was.
//
// Errors: those of loading (see Tree); Fault::invalid, "InvalidKey"; "NodeTooLarge", if a node
// would have more than limits::mst_node_entries_max entries, which needs keys chosen for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "atproto/mst/tree.h"
#include "atproto/mst/tree_node.h"

namespace roost::atproto::mst {

// A node may stay as it is and yet change its place, when a key beside its range comes or goes.
enum class Moves {
    tracked,  // such nodes are loaded and count as new, for who stores nodes by their place
    ignored,
};

class Edit {
  public:
    // The stamp is for the nodes that are made; at least that of any node of the tree.
    Edit(Tree tree, std::uint64_t stamp, Moves moves);
    Edit(Edit&&) = default;

    // Both return the value that the key had.
    Result<std::optional<Cid>> set(NodeSource& source, std::string_view key, const Cid& value);
    Result<std::optional<Cid>> erase(NodeSource& source, std::string_view key);

    // Where a node stood at some time before. Who stores nodes by place removes what is there, and
    // then writes the new nodes of the sealed tree: together that is the whole change. (A place
    // that was left and taken again is in both.) Complete after seal(), and only with
    // Moves::tracked.
    struct Place {
        int layer;
        std::string left;
    };
    const std::vector<Place>& left_places() const { return left_places_; }

    // The edit is used up.
    Result<Tree> seal(NodeSource& source);

  private:
    // Where a key is or would be: the node, the entry, and the bounds of the node.
    struct Step {
        TreeNode* node;
        std::size_t index;
        std::string_view left;
        std::string_view right;
    };
    struct Bounds {
        std::string_view left;
        std::string_view right;
    };
    struct Halves {
        Link before;
        Link after;
    };

    Result<TreeNode*> load(const Link& link, int layer, Bounds bounds, NodeSource& source);
    Result<bool> locate(NodeSource& source, std::string_view key, int layer);
    TreeNode& own(Link& link);
    void own_path();
    Result<Halves> split(Link link, int layer, std::string_view key, Bounds bounds,
                         NodeSource& source);
    Result<Link> merge(Link a, Link b, int layer, std::string_view key, Bounds bounds,
                       NodeSource& source);
    Result<Link> move_left(Link link, int layer, std::string_view from, std::string_view right,
                           NodeSource& source);
    Link raise(Link link, int from_layer, int to_layer);
    Result<void> raise_root(NodeSource& source, std::string_view key, int layer, const Cid& value);
    void prune_path();
    void leave(int layer, std::string_view left);
    NodePtr draft(int layer);
    void seal_node(Link& link);
    void drop(const TreeNode& node);

    Tree base_;
    std::uint64_t stamp_;
    Moves moves_;
    Link root_;
    std::vector<Step> path_;
    std::vector<Place> left_places_;
    Bytes scratch_;
    std::size_t new_bytes_ = 0;      // of drafts, when sealed
    std::size_t dropped_bytes_ = 0;  // of nodes of base_ that the new tree has not
};

}  // namespace roost::atproto::mst
