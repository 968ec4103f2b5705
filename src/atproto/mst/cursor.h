// Moving through a tree from left to right, holding only the path to where it stands. What it loads
// is not kept in the tree. Errors: those of loading, see tree.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/mst/tree.h"
#include "atproto/mst/tree_node.h"

namespace roost::atproto::mst {

// Stands before a subtree, that can be entered or skipped, before a record, or at the end. The base
// of the walks below. Views live until the cursor leaves the node.
class Cursor {
  public:
    explicit Cursor(Tree tree);

    enum class At { subtree, record, end };
    At at() const { return at_; }

    // Before a subtree. The root's layer may be unknown.
    NodePlace place() const;
    std::string_view right() const;  // the smallest key after its range; "" if there is none
    Result<LoadedNode> load(NodeSource& source);
    void enter(LoadedNode node);  // what load() gave
    // Before a record.
    std::string_view key() const;
    const Cid& value() const;
    // Past the subtree or the record.
    void skip();
    // Past all records before this key, loading the path to it.
    Result<void> seek(NodeSource& source, std::string_view key);

  private:
    // Slot 2i is the subtree before entry i, slot 2i + 1 the record of entry i.
    struct Frame {
        NodePtr node;
        bool is_own;  // loaded by the cursor, so nobody else has it
        std::size_t slot;
    };
    const Link& link() const;
    std::string_view left() const;
    void settle();

    Tree tree_;
    std::vector<Frame> path_;
    std::vector<NodePtr> spares_;
    At at_ = At::subtree;
    bool is_before_root_ = true;
};

// The whole tree in pre-order, as CAR files of repositories are ordered: a node, then for each of
// its slots a subtree or a record.
//
// With a stamp, it leaves out subtrees that are not newer; of a newer node all records are given.
// With a range of keys, it gives the records in that range, and the nodes that prove that there are
// no others: all whose own range of keys meets it, so the root in any case.
//
// This checks a tree that came from outside: if it reaches the end, each node was there and where
// it must be, and no node was visited twice. The caller bounds how many steps it takes.
// https://atproto.com/specs/repository#streamable-car-block-ordering
struct KeyRange {
    std::string from;
    std::string end;  // not in it
};

class PreorderWalk {
  public:
    explicit PreorderWalk(Tree tree, std::optional<std::uint64_t> since = std::nullopt)
        : cursor_(std::move(tree)), since_(since) {}
    PreorderWalk(Tree tree, KeyRange range) : cursor_(std::move(tree)), range_(std::move(range)) {}

    // A node, if `bytes` is not empty; else a record.
    struct Item {
        Cid cid;
        ByteView bytes;
        std::string_view key;     // of a record; of a node the greatest key before its range
        std::uint64_t stamp = 0;  // of a node
        int layer = 0;            // of a node
        bool is_node() const { return !bytes.empty(); }
    };
    // Nothing at the end. Views live until the next call, and until the source loads another node.
    Result<std::optional<Item>> next(NodeSource& source);

  private:
    bool is_in_range() const;

    Cursor cursor_;
    std::optional<std::uint64_t> since_;
    std::optional<KeyRange> range_;
    Bytes encoded_;  // of a node that was in memory
    bool has_record_ = false;
};

// The records in the order of their keys, from the first key that is not before `from`.
class RecordWalk {
  public:
    explicit RecordWalk(Tree tree, std::string from = "")
        : cursor_(std::move(tree)), from_(std::move(from)) {}

    struct Item {
        std::string_view key;  // lives until the next call
        Cid value;
    };
    Result<std::optional<Item>> next(NodeSource& source);

  private:
    Cursor cursor_;
    std::string from_;
    bool has_started_ = false;
    bool has_record_ = false;
};

// Checks a whole tree from outside, and counts it. Error besides: Fault::payload_too_large,
// "TreeTooLarge", beyond nodes_max.
struct Census {
    std::uint64_t nodes = 0;
    std::uint64_t records = 0;
    int layer = 0;  // of the root
};
Result<Census> validate(const Tree& tree, NodeSource& source, std::uint64_t nodes_max);

struct Change {
    std::string key;
    std::optional<Cid> before;
    std::optional<Cid> after;

    friend bool operator==(const Change&, const Change&) = default;
};
// What differs between two trees, in the order of the keys; looks only at nodes that differ.
Result<std::vector<Change>> diff(const Tree& before, NodeSource& before_source, const Tree& after,
                                 NodeSource& after_source);

}  // namespace roost::atproto::mst
