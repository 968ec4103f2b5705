#include "pds/repos/node_store.h"

#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds::node_store {

namespace {

using atproto::mst::NodePlace;
using atproto::mst::StoredNode;

// A tree that is not in step with the rows any more: its repository was written to meanwhile.
Error missing(const NodePlace& place) {
    return Error::invalid("The node " + place.cid.text() + " is not stored", "MissingBlock");
}

std::uint64_t stamp_of(const db::Rows& row, int column) {
    return static_cast<std::uint64_t>(row.integer(column));
}

}  // namespace

Result<StoredNode> Nodes::load(const NodePlace& place) {
    // A root, whose layer nobody knows yet, has nothing above it.
    db::Rows row =
        place.layer == atproto::mst::unknown_layer
            ? t_.select(
                  "SELECT stamp, node FROM repo_node WHERE repo_id = $1 ORDER BY layer DESC "
                  "LIMIT 1",
                  repo_.value)
            : t_.select(
                  "SELECT stamp, node FROM repo_node "
                  "WHERE repo_id = $1 AND layer = $2 AND left_key = $3",
                  repo_.value, place.layer, place.left);
    if (!row.next()) return missing(place);
    const ByteView node = row.bytes(1);
    node_.assign(node.begin(), node.end());
    return StoredNode{node_, stamp_of(row, 0)};
}

std::string_view NodesInOrder::Layer::left() const {
    const Row& row = rows[next];
    return as_text(ByteView(bytes).subspan(row.left_begin, row.node_begin - row.left_begin));
}

StoredNode NodesInOrder::Layer::take() {
    const Row& row = rows[next++];
    return {ByteView(bytes).subspan(row.node_begin, row.node_end - row.node_begin), row.stamp};
}

Result<StoredNode> NodesInOrder::load(const NodePlace& place) {
    if (place.layer == atproto::mst::unknown_layer) return root_.load(place);
    const auto number = static_cast<std::size_t>(place.layer);
    if (layers_.size() <= number) layers_.resize(number + 1);
    Layer& layer = layers_[number];
    while (!layer.is_used_up() && layer.left() < place.left)
        ++layer.next;
    if (layer.is_used_up() || layer.left() != place.left) read_ahead(layer, place);
    if (layer.is_used_up() || layer.left() != place.left) return missing(place);
    return layer.take();
}

void NodesInOrder::read_ahead(Layer& layer, const NodePlace& place) {
    layer.bytes.clear();
    layer.rows.clear();
    layer.next = 0;
    db::Rows found = t_.select(
        "SELECT left_key, node, stamp FROM repo_node "
        "WHERE repo_id = $1 AND layer = $2 AND left_key >= $3 ORDER BY left_key LIMIT $4",
        repo_.value, place.layer, place.left, limits::nodes_read_ahead);
    while (found.next()) {
        const std::size_t left_begin = layer.bytes.size();
        append(layer.bytes, as_bytes(found.text(0)));
        const std::size_t node_begin = layer.bytes.size();
        append(layer.bytes, found.bytes(1));
        layer.rows.push_back({left_begin, node_begin, layer.bytes.size(), stamp_of(found, 2)});
    }
}

void put(db::Transaction& t, RepoId repo, int layer, std::string_view left, std::uint64_t stamp,
         ByteView node) {
    t.execute(
        "INSERT INTO repo_node (repo_id, layer, left_key, stamp, node) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO UPDATE SET stamp = excluded.stamp, node = excluded.node",
        repo.value, layer, left, stamp, node);
}

void write(db::Transaction& t, RepoId repo, std::span<const atproto::mst::Edit::Place> left_places,
           std::span<const atproto::mst::NewNode> new_nodes) {
    for (const atproto::mst::Edit::Place& place : left_places)
        t.execute("DELETE FROM repo_node WHERE repo_id = $1 AND layer = $2 AND left_key = $3",
                  repo.value, place.layer, place.left);
    for (const atproto::mst::NewNode& node : new_nodes)
        put(t, repo, node.place.layer, node.place.left, node.stamp, node.bytes);
}

void erase_all(db::Transaction& t, RepoId repo) {
    t.execute("DELETE FROM repo_node WHERE repo_id = $1", repo.value);
}

bool erase_some(db::Transaction& t, RepoId repo) {
    return t.execute(
               "DELETE FROM repo_node WHERE repo_id = $1 AND (layer, left_key) IN "
               "(SELECT layer, left_key FROM repo_node WHERE repo_id = $1 LIMIT $2)",
               repo.value, limits::removed_rows_max) > 0;
}

}  // namespace roost::pds::node_store
