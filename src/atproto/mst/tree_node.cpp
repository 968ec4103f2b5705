#include "atproto/mst/tree_node.h"

#include <algorithm>

#include "atproto/limits.h"
#include "atproto/mst/node.h"
#include "atproto/mst/node_wire.h"
#include "base/check.h"

namespace roost::atproto::mst {

namespace {

Error invalid(std::string message) {
    return Error::invalid(std::move(message), "InvalidNode");
}

}  // namespace

Link::Link(const Link& other) : digest_(other.digest_) {
    const State state = other.state_.load(std::memory_order_acquire);
    if (state == State::loaded) node_ = other.node_;
    state_.store(state == State::loading ? State::distant : state, std::memory_order_relaxed);
}

Link::Link(Link&& other) noexcept
    : digest_(other.digest_),
      state_(other.state_.load(std::memory_order_relaxed)),
      node_(std::move(other.node_)) {
    other.state_.store(State::absent, std::memory_order_relaxed);
}

Link& Link::operator=(const Link& other) {
    if (this != &other) *this = Link(other);
    return *this;
}

Link& Link::operator=(Link&& other) noexcept {
    digest_ = other.digest_;
    node_ = std::move(other.node_);
    state_.store(other.state_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    other.state_.store(State::absent, std::memory_order_relaxed);
    return *this;
}

bool Link::remember(const NodePtr& node) const {
    State expected = State::distant;
    if (!state_.compare_exchange_strong(expected, State::loading, std::memory_order_acquire)) {
        state_.wait(State::loading, std::memory_order_acquire);
        return false;
    }
    node_ = node;
    state_.store(State::loaded, std::memory_order_release);
    state_.notify_all();
    return true;
}

NodePtr TreeNode::copy(std::uint64_t stamp, Room room) const {
    constexpr std::size_t usual_key_bytes = 40;
    const std::size_t more = room == Room::one_more ? 1 : 0;
    auto node = std::make_shared<TreeNode>(layer_, stamp);
    node->keys_.reserve(keys_.size() + more * usual_key_bytes);
    node->keys_ = keys_;
    node->items_.reserve(items_.size() + more);
    node->items_ = items_;
    if (!links_.empty()) {
        node->links_.reserve(links_.size() + more);
        node->links_ = links_;
    }
    return node;
}

std::size_t TreeNode::lower_bound(std::string_view wanted) const {
    std::size_t begin = 0;
    std::size_t end = size();
    while (begin < end) {
        const std::size_t middle = (begin + end) / 2;
        if (key(middle) < wanted)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

const Link& TreeNode::no_link() {
    static constinit const Link none;
    return none;
}

void TreeNode::need_links() {
    if (links_.empty()) links_.resize(items_.size() + 1);
}

Link& TreeNode::mutable_link(std::size_t i) {
    check(!is_sealed_, "a sealed node does not change");
    need_links();
    return links_[i];
}

void TreeNode::set_link(std::size_t i, Link link) {
    if (!links_.empty() || !link.is_absent()) mutable_link(i) = std::move(link);
}

void TreeNode::clear() {
    keys_.clear();
    items_.clear();
    links_.clear();
    is_sealed_ = false;
}

void TreeNode::insert(std::size_t i, std::string_view key, const Cid& value, Link right) {
    check(!is_sealed_, "a sealed node does not change");
    if (!right.is_absent()) need_links();
    const std::size_t begin = i == 0 ? 0 : items_[i - 1].key_end;
    keys_.insert(begin, key);
    items_.insert(items_.begin() + static_cast<std::ptrdiff_t>(i),
                  Item{value, static_cast<std::uint32_t>(begin)});
    for (std::size_t j = i; j < items_.size(); ++j)
        items_[j].key_end += static_cast<std::uint32_t>(key.size());
    if (!links_.empty())
        links_.insert(links_.begin() + static_cast<std::ptrdiff_t>(i + 1), std::move(right));
}

void TreeNode::erase(std::size_t i) {
    check(!is_sealed_, "a sealed node does not change");
    const std::size_t size = key(i).size();
    keys_.erase(items_[i].key_end - size, size);
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(i));
    for (std::size_t j = i; j < items_.size(); ++j)
        items_[j].key_end -= static_cast<std::uint32_t>(size);
    if (!links_.empty()) links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(i + 1));
}

void TreeNode::append(const TreeNode& from, std::size_t begin, std::size_t end) {
    check(!is_sealed_, "a sealed node does not change");
    if (!from.links_.empty()) need_links();
    items_.reserve(items_.size() + end - begin);
    for (std::size_t i = begin; i < end; ++i) {
        keys_ += from.key(i);
        items_.push_back({from.value(i), static_cast<std::uint32_t>(keys_.size())});
        if (!links_.empty()) links_.push_back(from.link(i + 1));
    }
}

std::size_t TreeNode::encoded_bytes_max() const {
    return NodeWriter::bytes_max(items_.size(), keys_.size());
}

std::size_t TreeNode::encode(std::uint8_t* out) const {
    const auto digest_of = [this](std::size_t i) {
        return link(i).is_absent() ? nullptr : &link(i).digest();
    };
    NodeWriter writer(out, items_.size());
    std::string_view previous_key;
    for (std::size_t i = 0; i < items_.size(); ++i) {
        writer.entry(previous_key, key(i), value(i), digest_of(i + 1));
        previous_key = key(i);
    }
    return static_cast<std::size_t>(writer.finish(digest_of(0)) - out);
}

Bytes TreeNode::encode() const {
    Bytes bytes(encoded_bytes_max());
    bytes.resize(encode(bytes.data()));
    return bytes;
}

std::size_t TreeNode::memory_bytes() const {
    // The node with its reference count, and what malloc adds to four blocks.
    constexpr std::size_t fixed = sizeof(TreeNode) + 16 + 4 * 16;
    return fixed + keys_.capacity() + items_.capacity() * sizeof(Item) +
           links_.capacity() * sizeof(Link);
}

// Fills a node from its bytes.
class NodeDecoder {
  public:
    NodeDecoder(const NodePlace& place, std::string_view right, NodePtr spare)
        : place_(place), right_(right), node_(std::move(spare)) {}

    Result<NodePtr> decode(const StoredNode& stored, KeysOf keys) {
        if (Cid::of(Codec::dag_cbor, stored.bytes) != place_.cid)
            return invalid("a node is not what its CID says: " + place_.cid.text());
        const bool is_spare = node_ != nullptr;
        if (is_spare)
            node_->clear();
        else
            node_ = std::make_shared<TreeNode>(0, 0);
        node_->stamp_ = stored.stamp;
        NodeReader reader = TRY(NodeReader::open(stored.bytes, keys, place_.layer));
        TRY(read_entries(reader));
        if (!is_spare) node_->keys_.shrink_to_fit();
        TRY(check_place(reader));
        node_->seal();
        return std::move(node_);
    }

  private:
    Result<void> read_entries(NodeReader& reader) {
        const std::size_t count = reader.entry_count();
        node_->items_.reserve(count);
        const auto set_link = [&](std::size_t i, const std::optional<Cid>& cid) {
            if (!cid) return;
            if (node_->links_.empty()) node_->links_.resize(count + 1);
            node_->links_[i] = Link(*cid);
        };
        for (std::size_t i = 0; i < count; ++i) {
            const NodeReader::Entry entry = TRY(reader.next());
            if (i == 0 && entry.key <= place_.left)
                return invalid("a key is before the range of its node");
            node_->keys_ += entry.key;
            node_->items_.push_back({entry.value, static_cast<std::uint32_t>(node_->keys_.size())});
            set_link(i + 1, entry.right);
        }
        set_link(0, TRY(reader.finish()));
        return {};
    }

    Result<void> check_place(const NodeReader& reader) {
        const bool is_root = place_.left.empty() && right_.empty();
        const bool has_left = !node_->link(0).is_absent();
        const bool may_be_empty = is_root && place_.layer <= 0 && !has_left;
        if (node_->is_empty() && !may_be_empty && (!has_left || place_.layer <= 0))
            return invalid("an empty node that the tree does not need");
        if (!node_->is_empty() && !right_.empty() && node_->key(node_->size() - 1) >= right_)
            return invalid("a key is after the range of its node");
        const int layer = node_->is_empty() ? std::max(place_.layer, 0) : reader.layer();
        if (place_.layer != unknown_layer && layer != place_.layer)
            return invalid("a node is of another layer than its place");
        if (layer > limits::mst_layer_max) return invalid("the tree is too high");
        node_->layer_ = static_cast<std::int8_t>(layer);
        return {};
    }

    const NodePlace& place_;
    std::string_view right_;
    NodePtr node_;
};

Result<LoadedNode> fetch(const Link& link, int layer, std::string_view left, std::string_view right,
                         NodeSource& source, NodePtr spare) {
    check(!link.is_absent(), "a link that is followed is there");
    if (NodePtr node = link.shared_node()) return LoadedNode{std::move(node), {}};
    const NodePlace place{link.cid(), layer, left};
    const StoredNode stored = TRY(source.load(place));
    NodeDecoder decoder(place, right, std::move(spare));
    NodePtr node = TRY(decoder.decode(stored, source.keys()));
    return LoadedNode{std::move(node), stored.bytes};
}

}  // namespace roost::atproto::mst
