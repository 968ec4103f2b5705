#include "atproto/mst/cursor.h"

#include "atproto/limits.h"
#include "atproto/mst/tree_state.h"
#include "base/check.h"

namespace roost::atproto::mst {

Cursor::Cursor(Tree tree) : tree_(std::move(tree)) {}

const Link& Cursor::link() const {
    check(at_ == At::subtree, "the cursor is before a subtree");
    if (is_before_root_) return tree_.state_->root;
    return path_.back().node->link(path_.back().slot / 2);
}

std::string_view Cursor::left() const {
    for (auto frame = path_.rbegin(); frame != path_.rend(); ++frame)
        if (frame->slot >= 2) return frame->node->key(frame->slot / 2 - 1);
    return "";
}

std::string_view Cursor::right() const {
    for (auto frame = path_.rbegin(); frame != path_.rend(); ++frame)
        if (frame->slot / 2 < frame->node->size()) return frame->node->key(frame->slot / 2);
    return "";
}

NodePlace Cursor::place() const {
    const int layer = is_before_root_ ? tree_.layer() : path_.back().node->layer() - 1;
    return {link().cid(), layer, left()};
}

Result<LoadedNode> Cursor::load(NodeSource& source) {
    NodePtr spare;
    if (!spares_.empty()) {
        spare = std::move(spares_.back());
        spares_.pop_back();
    }
    LoadedNode loaded =
        TRY(fetch(link(), place().layer, left(), right(), source, std::move(spare)));
    if (is_before_root_ && loaded.node->is_empty() && !loaded.node->link(0).is_absent())
        return Error::invalid("the root of the tree has no keys", "InvalidNode");
    return loaded;
}

// Moves on to the next slot that holds something, out of nodes that are done.
void Cursor::settle() {
    while (!path_.empty()) {
        Frame& frame = path_.back();
        const std::size_t size = frame.node->size();
        while (frame.slot <= 2 * size && frame.slot % 2 == 0 &&
               frame.node->link(frame.slot / 2).is_absent())
            ++frame.slot;
        if (frame.slot <= 2 * size) {
            at_ = frame.slot % 2 == 0 ? At::subtree : At::record;
            return;
        }
        if (frame.is_own) spares_.push_back(std::move(frame.node));
        path_.pop_back();
        if (!path_.empty()) ++path_.back().slot;
    }
    at_ = At::end;
}

void Cursor::enter(LoadedNode node) {
    check(at_ == At::subtree, "the cursor is before a subtree");
    is_before_root_ = false;
    path_.push_back({std::move(node.node), !node.bytes.empty(), 0});
    settle();
}

std::string_view Cursor::key() const {
    check(at_ == At::record, "the cursor is before a record");
    return path_.back().node->key(path_.back().slot / 2);
}

const Cid& Cursor::value() const {
    check(at_ == At::record, "the cursor is before a record");
    return path_.back().node->value(path_.back().slot / 2);
}

void Cursor::skip() {
    check(at_ != At::end, "the cursor is not at the end");
    is_before_root_ = false;
    if (!path_.empty()) ++path_.back().slot;
    settle();
}

Result<void> Cursor::seek(NodeSource& source, std::string_view wanted) {
    while (at_ != At::end) {
        if (at_ == At::record) {
            if (key() >= wanted) return {};
            skip();
            continue;
        }
        // The subtree ends before the key to its right.
        const std::string_view end = right();
        if (!end.empty() && end <= wanted) {
            skip();
            continue;
        }
        enter(TRY(load(source)));
    }
    return {};
}

bool PreorderWalk::is_in_range() const {
    if (!range_ || cursor_.at() == Cursor::At::end) return true;
    if (cursor_.at() == Cursor::At::record)
        return cursor_.key() >= range_->from && cursor_.key() < range_->end;
    const std::string_view right = cursor_.right();
    return cursor_.place().left < range_->end && (right.empty() || right > range_->from);
}

Result<std::optional<PreorderWalk::Item>> PreorderWalk::next(NodeSource& source) {
    if (has_record_) cursor_.skip();
    has_record_ = false;
    while (!is_in_range())
        cursor_.skip();
    while (cursor_.at() == Cursor::At::subtree) {
        const NodePlace place = cursor_.place();
        LoadedNode loaded = TRY(cursor_.load(source));
        if (since_ && loaded.node->stamp() <= *since_) {
            cursor_.skip();
            continue;
        }
        if (loaded.bytes.empty()) encoded_ = loaded.node->encode();
        const Item item{place.cid, loaded.bytes.empty() ? ByteView(encoded_) : loaded.bytes,
                        place.left, loaded.node->stamp(), loaded.node->layer()};
        cursor_.enter(std::move(loaded));
        return std::optional<Item>(item);
    }
    if (cursor_.at() == Cursor::At::end) return std::optional<Item>();
    has_record_ = true;
    return std::optional<Item>(Item{cursor_.value(), {}, cursor_.key()});
}

Result<std::optional<RecordWalk::Item>> RecordWalk::next(NodeSource& source) {
    if (has_record_) cursor_.skip();
    has_record_ = false;
    if (!has_started_) TRY(cursor_.seek(source, from_));
    has_started_ = true;
    while (cursor_.at() == Cursor::At::subtree) {
        cursor_.enter(TRY(cursor_.load(source)));
    }
    if (cursor_.at() == Cursor::At::end) return std::optional<Item>();
    has_record_ = true;
    return std::optional<Item>(Item{cursor_.key(), cursor_.value()});
}

Result<Census> validate(const Tree& tree, NodeSource& source, std::uint64_t nodes_max) {
    PreorderWalk walk(tree);
    Census census;
    while (const std::optional<PreorderWalk::Item> item = TRY(walk.next(source))) {
        if (!item->is_node()) {
            ++census.records;
            continue;
        }
        if (census.nodes == 0) census.layer = item->layer;
        if (++census.nodes > nodes_max)
            return Error{Fault::payload_too_large, "TreeTooLarge",
                         "the tree has more than " + std::to_string(nodes_max) + " nodes"};
    }
    return census;
}

namespace {

Result<void> enter(Cursor& cursor, NodeSource& source) {
    cursor.enter(TRY(cursor.load(source)));
    return {};
}

// The layer of what the cursor is before: entering makes subtrees lower, so that two cursors meet
// at equal subtrees. A root of unknown layer is higher than all.
int height(const Cursor& cursor) {
    if (cursor.at() != Cursor::At::subtree) return -1;
    const int layer = cursor.place().layer;
    return layer == unknown_layer ? limits::mst_layer_max + 1 : layer;
}

// One or both cursors are before a record, none before a subtree.
Change take_change(Cursor& before, Cursor& after) {
    const bool has_before = before.at() == Cursor::At::record;
    const bool has_after = after.at() == Cursor::At::record;
    const bool takes_before = has_before && (!has_after || before.key() <= after.key());
    const bool takes_after = has_after && (!has_before || after.key() <= before.key());
    Change change{std::string(takes_before ? before.key() : after.key()), {}, {}};
    if (takes_before) {
        change.before = before.value();
        before.skip();
    }
    if (takes_after) {
        change.after = after.value();
        after.skip();
    }
    return change;
}

}  // namespace

Result<std::vector<Change>> diff(const Tree& before_tree, NodeSource& before_source,
                                 const Tree& after_tree, NodeSource& after_source) {
    std::vector<Change> changes;
    Cursor before(before_tree);
    Cursor after(after_tree);
    while (before.at() != Cursor::At::end || after.at() != Cursor::At::end) {
        const int before_height = height(before);
        const int after_height = height(after);
        if (before_height < 0 && after_height < 0) {
            Change change = take_change(before, after);
            if (change.before != change.after) changes.push_back(std::move(change));
            continue;
        }
        if (before_height >= 0 && after_height >= 0 && before.place().cid == after.place().cid) {
            before.skip();
            after.skip();
            continue;
        }
        if (before_height >= after_height) TRY(enter(before, before_source));
        if (after_height >= before_height) TRY(enter(after, after_source));
    }
    return changes;
}

}  // namespace roost::atproto::mst
