// A node of a tree in memory, and the links between such nodes. Private to this room.
//
// A node is sealed once its CID is known. From then on it may be shared between trees and threads:
// nothing in it changes but that a link remembers the node it leads to, once. Until then it is a
// draft, which belongs to one Edit.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/mst/node_source.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto::mst {

class TreeNode;
using NodePtr = std::shared_ptr<TreeNode>;

// Leads to a subtree: absent, known by its CID only, or with its node in memory.
class Link {
  public:
    Link() = default;
    explicit Link(const Cid& cid) : digest_(cid.digest()), state_(State::distant) {}
    explicit Link(NodePtr draft) : state_(State::loaded), node_(std::move(draft)) {}
    Link(const Link& other);
    Link(Link&& other) noexcept;
    Link& operator=(const Link& other);
    Link& operator=(Link&& other) noexcept;
    ~Link() = default;

    bool is_absent() const { return state_.load(std::memory_order_relaxed) == State::absent; }
    // Null if it is not in memory.
    TreeNode* node() const {
        return state_.load(std::memory_order_acquire) == State::loaded ? node_.get() : nullptr;
    }
    NodePtr shared_node() const { return node() ? node_ : nullptr; }
    // Not of a draft.
    const Cid::Digest& digest() const { return digest_; }
    Cid cid() const { return Cid::from_digest(Codec::dag_cbor, digest_); }

    // Any thread. The link must be distant, or become loaded at this moment by another thread; then
    // nothing changes, and false is returned once the other is done.
    bool remember(const NodePtr& node) const;
    // Of a link to a draft that is sealed.
    void set_cid(const Cid& cid) { digest_ = cid.digest(); }

  private:
    enum class State : std::uint8_t { absent, distant, loading, loaded };

    Cid::Digest digest_{};
    mutable std::atomic<State> state_ = State::absent;
    mutable NodePtr node_;  // written once, between loading and loaded
};

class TreeNode {
  public:
    TreeNode(int layer, std::uint64_t stamp)
        : layer_(static_cast<std::int8_t>(layer)), stamp_(stamp) {}

    // A draft with the same content, with memory for one entry more or for none.
    enum class Room { none, one_more };
    NodePtr copy(std::uint64_t stamp, Room room) const;

    int layer() const { return layer_; }
    std::uint64_t stamp() const { return stamp_; }
    bool is_sealed() const { return is_sealed_; }
    std::size_t size() const { return items_.size(); }
    bool is_empty() const { return items_.empty(); }
    std::string_view key(std::size_t i) const {
        const std::size_t begin = i == 0 ? 0 : items_[i - 1].key_end;
        return std::string_view(keys_).substr(begin, items_[i].key_end - begin);
    }
    const Cid& value(std::size_t i) const { return items_[i].value; }
    // The first entry whose key is not before this one; size() if all are.
    std::size_t lower_bound(std::string_view key) const;
    // The subtree before entry i; that of size() is the last.
    const Link& link(std::size_t i) const { return links_.empty() ? no_link() : links_[i]; }

    // What key bounds the subtree at link i, when the node itself stands between left and right.
    std::string_view left_of(std::size_t i, std::string_view left) const {
        return i == 0 ? left : key(i - 1);
    }
    std::string_view right_of(std::size_t i, std::string_view right) const {
        return i == size() ? right : key(i);
    }

    // Of drafts only.
    Link& mutable_link(std::size_t i);
    void set_link(std::size_t i, Link link);
    void set_value(std::size_t i, const Cid& value) { items_[i].value = value; }
    // The link before entry i stays before it; the new entry is followed by `right`.
    void insert(std::size_t i, std::string_view key, const Cid& value, Link right);
    // Takes the entry and the link after it away.
    void erase(std::size_t i);
    // Entries [begin, end) of another node and the links after each of them.
    void append(const TreeNode& from, std::size_t begin, std::size_t end);
    void seal() { is_sealed_ = true; }

    std::size_t encoded_bytes_max() const;
    // Without zero-filling of its own: `out` has at least encoded_bytes_max(). Returns the size.
    std::size_t encode(std::uint8_t* out) const;
    Bytes encode() const;
    std::size_t memory_bytes() const;

  private:
    struct Item {
        Cid value;
        std::uint32_t key_end;  // in keys_
    };
    static const Link& no_link();
    void need_links();
    // Keeps its memory.
    void clear();

    std::int8_t layer_;
    bool is_sealed_ = false;
    std::uint64_t stamp_;
    std::string keys_;  // one after the other
    std::vector<Item> items_;
    std::vector<Link> links_;  // none at all, or one more than items

    friend class NodeDecoder;
};

struct LoadedNode {
    NodePtr node;
    ByteView bytes;  // of the source, as they came; empty if the node was in memory
};
// The node that a link leads to, without remembering it. What is loaded is checked strictly (see
// NodeReader), and as its place demands: the CID, the layer, the range of keys between left and
// right ("" for no bound), and content or a subtree in each node but an empty root. A spare node,
// which nobody else has, is filled anew, so that a walk through many needs memory for few.
// Errors: Fault::invalid, "InvalidNode"; those of the source.
Result<LoadedNode> fetch(const Link& link, int layer, std::string_view left, std::string_view right,
                         NodeSource& source, NodePtr spare = nullptr);

}  // namespace roost::atproto::mst
